"""The loops and lines of the application, on virtual time."""
