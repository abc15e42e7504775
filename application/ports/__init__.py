"""The interfaces to everything outside the application; each docstring is the specification."""
