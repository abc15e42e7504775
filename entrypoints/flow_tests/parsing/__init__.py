"""Loads flow test files."""
