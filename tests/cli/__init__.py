"""Settings, command line, health."""
