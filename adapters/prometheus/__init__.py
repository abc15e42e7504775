"""Metrics for Prometheus: counts what passes through the ports."""
