"""The simulated Flyte."""
