"""Packs behind PgBouncer in transaction mode. Needs Debian's pgbouncer, so only `make test-pgbouncer` runs it."""
