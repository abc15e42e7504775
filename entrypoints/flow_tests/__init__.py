"""Flow tests: conversations with flows through the real pack, in virtual time."""
