"""The ages of rows, measured in uptime: how long the oldest has waited, and which are old enough to be deleted."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.filesystem.database import Database
from adapters.filesystem.schema import PURGE_BATCH
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import from_micros, is_time
from domain.outbox import Backlog


def with_oldest(backlog: Backlog, oldest: tuple[Any, int] | None, uptime: Uptime) -> Backlog:
    """Returns the backlog with the time and the uptime of its oldest entry, if it has any."""
    if oldest is None:
        return backlog
    at, since = oldest
    waited_seconds = max(0.0, uptime.seconds_since(since))
    return replace(backlog, oldest_at=from_micros(at) if is_time(at) else None, oldest_waited_seconds=waited_seconds)


async def purge(
    database: Database, uptime: Uptime, table: str, key: str, older_than: timedelta, *, condition: str = "true"
) -> int:
    """Deletes rows whose `uptime` is longer ago, identified by their `key` columns. Returns how many."""
    statement = (
        f"DELETE FROM {table} WHERE ({key}) IN "
        f"(SELECT {key} FROM {table} WHERE {condition} AND uptime < ? ORDER BY uptime LIMIT ?)"
    )

    def purge_batch(connection: sqlite3.Connection) -> int:
        return connection.execute(statement, (uptime.after(-older_than.total_seconds()), PURGE_BATCH)).rowcount

    total = purged = await database.run(purge_batch)
    while purged == PURGE_BATCH:
        purged = await database.run(purge_batch)
        total += purged
    return total
