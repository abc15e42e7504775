"""A Slack and a Flyte of our own on loopback, to run the pack against."""
