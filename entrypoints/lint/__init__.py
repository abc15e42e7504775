"""The flow linter: finds mistakes in flows before they run."""
