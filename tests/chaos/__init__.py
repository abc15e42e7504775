"""Killing the pack under load, and keeping a ledger of what was said and asked for: `make chaos`."""
