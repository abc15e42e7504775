"""The tests of tests of flows."""
