"""The template language's filters."""
