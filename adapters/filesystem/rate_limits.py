"""Rate limits in memory, saved in SQLite along with whatever is committed next."""

import math
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from adapters.filesystem.database import Database, transaction
from adapters.rate_limiter import InMemoryRateLimiter
from adapters.sql.codec import from_micros, is_time, to_micros
from application.ports.clock import Clock
from domain.rate_limits import MAX_PAUSE_SECONDS, TokenBucket

_SECOND = 1_000_000
_LONGEST_PAUSE = int(MAX_PAUSE_SECONDS * _SECOND)
_LIFTED = 0
"""The end of a lifted pause: an operator's command stores it for the pack that runs beside it."""
_SAVED = "SELECT channel_id, used_until, until, lasts FROM paces LEFT JOIN pauses USING (channel_id)"
"""The column for the channel holds the method's name if a method is paused."""

_Row: TypeAlias = tuple[int, int, int]
"""The end of the used slots, the end of the pause (microseconds since 1970), and the pause's length."""


class FileRateLimiter(InMemoryRateLimiter):
    """Implements RateLimiter. Only lifting a pause costs an fsync of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(clock, self._on_change)
        self.database = database
        self._wall_clock = clock
        self._lock = threading.Lock()
        self._changed: dict[str, _Row | None] = {}
        self._saved_pauses: set[str] = set()

    def read(self, connection: sqlite3.Connection) -> None:
        """Restores what was saved last. Runs in the database's thread."""
        steady, now = self._wall_clock.monotonic(), to_micros(self._wall_clock.now())
        buckets = {
            name: TokenBucket(steady + used_for / _SECOND, steady + paused_for / _SECOND)
            for name, used_for, paused_for in saved_rates(connection, now)
        }
        self.restore(buckets)
        row = connection.execute("SELECT CAST(at AS INTEGER) FROM steady").fetchone()
        self._steady_at = from_micros(row[0]) if row and is_time(row[0]) else None

    def take_over(self, connection: sqlite3.Connection) -> None:
        """Restores what was saved last, and saves it by this process's clock."""
        self.read(connection)
        for name, bucket in self._buckets.items():
            self._on_change(name, bucket)

    def write(self, connection: sqlite3.Connection) -> None:
        """Adds the latest changes to the transaction. Runs in the database's thread."""
        with self._lock:
            changed, self._changed = self._changed, {}
        for name, row in changed.items():
            if row is None:
                connection.execute("DELETE FROM paces WHERE channel_id = ?", (name,))
                connection.execute("DELETE FROM pauses WHERE channel_id = ?", (name,))
            else:
                _save(connection, name, row)

    async def lift(self, names: Collection[str]) -> None:
        await self._save_lifted(names)
        await super().lift(names)
        with self._lock:
            for name in names:
                self._changed.pop(name, None)  # would delete what a pack beside this process has yet to see

    async def note_steady(self, at: datetime) -> None:
        await super().note_steady(at)
        await self._save_steady(to_micros(at))

    async def sync(self) -> None:
        for name in self._saved_pauses - (await self.paused()).keys():
            self._saved_pauses.remove(name)
            self._on_change(name, self._buckets.get(name))
        await super().sync()
        await super().lift(await self._lifted())

    @transaction
    def _save_steady(self, connection: sqlite3.Connection, at: int) -> None:
        connection.execute("DELETE FROM steady")
        connection.execute("INSERT INTO steady VALUES (?)", (at,))

    @transaction
    def _save_lifted(self, connection: sqlite3.Connection, names: Collection[str]) -> None:
        connection.executemany("UPDATE pauses SET until = ? WHERE channel_id = ?", [(_LIFTED, name) for name in names])

    @transaction
    def _lifted(self, connection: sqlite3.Connection) -> list[str]:
        self.write(connection)  # a pause that is newer than the lifted one stays
        rows = connection.execute("SELECT channel_id FROM pauses WHERE until = ?", (_LIFTED,))
        return [name for (name,) in rows]

    def _on_change(self, name: str, bucket: TokenBucket | None) -> None:
        row = self._row(bucket) if bucket else None
        if row and row[-1] > 0:
            self._saved_pauses.add(name)
        with self._lock:
            self._changed[name] = row

    def _row(self, bucket: TokenBucket) -> _Row:
        steady, now = self._wall_clock.monotonic(), to_micros(self._wall_clock.now())
        used, pause = (
            int((until - steady) * _SECOND) if math.isfinite(until) else -now
            for until in (bucket.used_until, bucket.paused_until)
        )
        return now + used, now + pause, pause


def saved_rates(connection: sqlite3.Connection, now: int) -> Iterator[tuple[str, int, int]]:
    """Yields names, each with the ends of its reserved slots and of its pause, in microseconds from `now`."""
    for name, *times in connection.execute(_SAVED):
        used_until, paused_until, lasts = (time if is_time(time) else 0 for time in times)
        yield name, used_until - now, min(paused_until - now, lasts, _LONGEST_PAUSE)


def save_rates(connection: sqlite3.Connection, now: int, rates: Iterable[tuple[str, int, int]]) -> None:
    """Saves what `saved_rates` yields."""
    for name, used_for, paused_for in rates:
        _save(connection, name, (now + used_for, now + paused_for, paused_for))


def _save(connection: sqlite3.Connection, name: str, row: _Row) -> None:
    used_until, paused_until, lasts = row
    connection.execute("REPLACE INTO paces VALUES (?, ?)", (name, used_until))
    if lasts > 0:
        connection.execute("REPLACE INTO pauses VALUES (?, ?, ?)", (name, paused_until, lasts))
    else:
        connection.execute("DELETE FROM pauses WHERE channel_id = ?", (name,))
