"""Records everything that enters and leaves the pack in a file, to be replayed."""
