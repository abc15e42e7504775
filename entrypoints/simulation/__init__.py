"""A simulated Slack and a simulated Flyte on loopback, to run the pack against."""
