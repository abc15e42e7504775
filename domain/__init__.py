"""What is said, where, by whom, and what happened. Standard library only."""
