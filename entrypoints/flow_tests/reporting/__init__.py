"""Reports of flow test runs."""
