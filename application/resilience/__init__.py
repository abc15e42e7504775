"""Policies around the ports: retry, circuit breaking, timeouts, graceful shutdown."""
