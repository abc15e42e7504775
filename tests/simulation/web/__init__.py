"""The workbench's server, tested without a browser."""
