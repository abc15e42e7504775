"""The loops of the running pack."""
