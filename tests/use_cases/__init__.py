"""What the pack does, against the memory adapters."""
