"""The simulated Slack's Web API methods."""
