"""The template language of flows: pongo2, a Django-like language, with Flyte's own filters and functions."""
