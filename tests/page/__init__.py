"""The workbench's page, tested in a browser."""
