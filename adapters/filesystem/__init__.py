"""A directory: channels.json, and a SQLite file for all else."""
