"""What the SQL storages share: the form of values, and what the rows of their tables mean."""
