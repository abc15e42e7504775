"""Prometheus reads the alerts and the dashboard. Needs Debian's prometheus, so only `make test-alerts` runs it."""
