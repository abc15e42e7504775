"""Escapes text for HTML, as the filter `escape` and autoescape do."""

_ENTITIES = str.maketrans({"&": "&amp;", ">": "&gt;", "<": "&lt;", '"': "&quot;", "'": "&#39;"})


def escape_html(text: str) -> str:
    """The text with & < > and both quotes as entities."""
    return text.translate(_ENTITIES)
