"""The workbench behind the page, without a browser."""
