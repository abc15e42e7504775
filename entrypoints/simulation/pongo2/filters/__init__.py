"""The filters of the template language."""
