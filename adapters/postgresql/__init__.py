"""A PostgreSQL database, which several packs may share."""
