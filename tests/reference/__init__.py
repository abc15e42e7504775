"""Writes the reference of commands and events: tables from the catalogue, and payloads from examples that are run."""
