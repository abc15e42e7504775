"""What the pack does. Knows the domain only."""
