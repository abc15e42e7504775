"""The simulated Slack and the simulated Flyte, tried as their users see them."""
