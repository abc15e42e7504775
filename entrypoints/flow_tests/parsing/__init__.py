"""Reads flow test files."""
