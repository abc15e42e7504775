"""The tags of the template language."""
