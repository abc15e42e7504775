"""One module for each thing that the pack does."""
