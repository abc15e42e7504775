"""What the pack needs from the world; each docstring is the specification."""
