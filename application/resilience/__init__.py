"""Policies around the ports, and what they build on: retry, circuit breaking, backoff, graceful shutdown."""
