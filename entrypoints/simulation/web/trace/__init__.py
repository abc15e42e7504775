"""Message traces: the steps of each message from Slack through the pack to Flyte and back."""
