"""The tests. This file is needed: without it tests/adapters hides adapters."""
