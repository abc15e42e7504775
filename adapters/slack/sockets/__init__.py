"""The WebSocket connections of Socket Mode and RTM."""
