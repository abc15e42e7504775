"""Logs, and the secrets kept out of them."""
