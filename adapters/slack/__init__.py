"""Slack, by its Web API, its sockets and its Events API."""
