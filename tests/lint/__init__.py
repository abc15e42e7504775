"""Tests of the flow linter."""
