"""Message traces shown on the page."""
