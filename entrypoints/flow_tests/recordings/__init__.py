"""Recorded sessions: replay, and conversion to tests."""
