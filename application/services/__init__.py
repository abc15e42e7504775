"""What several use cases and workers share."""
