"""Housekeeping of the SQLite file: rows of channels that fell silent are deleted, and free space is given back."""

import sqlite3
from collections.abc import Collection

from adapters.filesystem.database import Database, transaction
from adapters.filesystem.uptime import Uptime

_EVERY_SECONDS = 3600
_SILENT_SECONDS = 72 * 3600
"""Uptime after which a channel counts as silent: longer than backfill ever looks back, also for direct messages."""
_LANES_PER_REQUEST = 500
_KEPT_PAGES = 1000
"""Free pages that stay in the file for what comes next; 4 KiB each."""
_PAGES_PER_REQUEST = 256
_REQUESTS = 40
"""The most requests in a row; together they give back 40 MiB."""


class Tidying:
    """Works in small steps, so that other requests get their turn in between."""

    def __init__(self, database: Database, uptime: Uptime) -> None:
        self.database = database
        self._uptime = uptime
        self._next_at = 0

    async def run_if_due(self, listening: Collection[str]) -> None:
        """Gives space back, and now and then forgets the lanes of channels other than those in `listening`."""
        for _ in range(_REQUESTS):
            if not await self._give_space_back():
                break
        if await self._is_due():
            after = 0
            while lanes := await self._page(after):
                after = lanes[-1][0]
                await self._forget([lane for lane, name in lanes if name not in listening])

    @transaction
    def _give_space_back(self, connection: sqlite3.Connection) -> bool:
        """Returns whether there may be more to give."""
        free, total = _free_pages(connection), connection.execute("PRAGMA page_count").fetchone()[0]
        if free <= max(_KEPT_PAGES, total // 4):
            return False
        for _ in range(_PAGES_PER_REQUEST):
            connection.execute("PRAGMA incremental_vacuum(1)")  # Python executes no more than the first step
        return _free_pages(connection) < free  # files of earlier programs keep theirs

    @transaction
    def _is_due(self, _connection: sqlite3.Connection) -> bool:
        is_due = self._uptime.now() >= self._next_at
        if is_due:
            self._next_at = self._uptime.after(_EVERY_SECONDS)
        return is_due

    @transaction
    def _page(self, connection: sqlite3.Connection, after: int) -> list[tuple[int, str]]:
        return connection.execute(
            "SELECT id, name FROM lanes WHERE id > ? ORDER BY id LIMIT ?", (after, _LANES_PER_REQUEST)
        ).fetchall()

    @transaction
    def _forget(self, connection: sqlite3.Connection, lanes: list[int]) -> None:
        connection.executemany(
            "DELETE FROM lanes WHERE id = ? AND head IS NULL AND lease_until IS NULL AND uptime < ? "
            "AND id NOT IN (SELECT lane FROM outbox WHERE state = 'set aside')",
            [(lane, self._uptime.after(-_SILENT_SECONDS)) for lane in lanes],
        )


def _free_pages(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(count)
