"""The chat side of a simulation: people, conversations, and what can be seen and done there."""
