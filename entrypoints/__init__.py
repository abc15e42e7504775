"""Everything that starts and serves the pack: settings, containers, daemon, command line, HTTP, simulation, tests."""
