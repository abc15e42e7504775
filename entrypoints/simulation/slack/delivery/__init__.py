"""How the simulated Slack delivers events."""
