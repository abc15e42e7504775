"""Runs flow tests."""
