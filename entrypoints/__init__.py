"""How the pack is started: settings, container, daemon, command line, HTTP."""
