"""Services that several use cases and workers share."""
