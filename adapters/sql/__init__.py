"""Shared by the SQL storages: the encoding of values, and the meaning of their tables' rows."""
