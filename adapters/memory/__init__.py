"""Adapters that forget everything at exit."""
