"""The workbench's page, in a real browser."""
