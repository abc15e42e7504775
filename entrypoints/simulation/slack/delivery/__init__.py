"""Delivery of events by the simulated Slack."""
