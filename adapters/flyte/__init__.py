"""Flyte, by the links of its HTTP API."""
