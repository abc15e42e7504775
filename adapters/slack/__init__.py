"""Slack, by its Web API and its sockets."""
