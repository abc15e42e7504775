"""Talking to flows from a terminal: the pack between both ends, what is said, and what follows from it."""
