"""Kills the pack under load and accounts for every message and action: `make chaos`."""
