"""JSON forms of commands, events and stored values."""
