"""Flyte's HTTP API, walked by its links."""
