"""The contract of each port, as a test suite that every implementation passes."""
