"""The template language's tags."""
