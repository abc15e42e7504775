"""The uptime of all replicas together, in microseconds. Leases, delays, paces and ages are measured in it."""

from datetime import timedelta
from typing import Final

from adapters.postgresql.database import Database
from adapters.sql.codec import MICROSECOND

SECOND: Final = 1_000_000
NOW: Final = "(SELECT now FROM flyte_slack.clock)"
"""An SQL expression. Evaluated once in each place where a statement has it."""

_BATCH: Final = 2000
"""Rows that one statement deletes at most, so that it holds no locks for long."""


async def purge(database: Database, table: str, key: str, older_than: timedelta, *, condition: str = "true") -> int:
    """Deletes rows whose `uptime` is longer ago, identified by their `key` columns. Returns how many."""
    statement = (
        f"DELETE FROM flyte_slack.{table} WHERE ({key}) IN (SELECT {key} FROM flyte_slack.{table} "
        f"WHERE {condition} AND uptime < {NOW} - %s ORDER BY uptime LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING true"
    )
    total = 0
    while purged := len(await database.fetch(statement, (older_than // MICROSECOND, _BATCH))):
        total += purged
    return total
