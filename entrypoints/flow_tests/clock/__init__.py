"""Virtual time for flow tests."""
