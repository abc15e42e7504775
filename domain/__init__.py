"""Messages, channels, users, events, commands and actions. Standard library only."""
