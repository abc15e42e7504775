"""Keeps what went in and out of the pack in a file, for whoever wants to see it again."""
