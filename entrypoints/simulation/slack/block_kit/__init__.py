"""Slack's rules for blocks, as one table of constraints."""
