"""The time for which packs have run on this storage. Leases, delays and ages are measured by it.

It does not depend on the time of day, which may be set. Within a process it follows the clock's `monotonic`; a
later process continues from what was saved last. Time for which no pack runs does not count.
"""

import sqlite3

from application.ports.clock import Clock

_START = 1
_MAX = 2**53
"""The highest valid value, some centuries: more means damage."""
SAVE_AFTER = 1_000_000
"""Microseconds after which the uptime is saved together with something else. After a kill, rows may be that much newer
than the uptime."""
_SAVE_ALONE_AFTER = 60_000_000
"""Microseconds after which it is saved even if nothing else is: a commit of its own."""


class Uptime:
    """Counts microseconds. Belongs to the database's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_opening = self._saved = _START
        self._opened_at = 0.0
        self._changes = 0

    def now(self) -> int:
        """Returns the uptime."""
        return self._at_opening + round((self._clock.monotonic() - self._opened_at) * 1_000_000)

    def after(self, seconds: float) -> int:
        """Returns the uptime `seconds` from now."""
        return self.now() + round(seconds * 1_000_000)

    def seconds_since(self, uptime: int) -> float:
        """Returns how long ago that was; negative if it is yet to come."""
        return (self.now() - uptime) / 1_000_000

    def read(self, connection: sqlite3.Connection) -> None:
        """Continues from the saved uptime."""
        self._at_opening = self._saved = read_saved_uptime(connection)
        self._opened_at = self._clock.monotonic()

    def write_if_due(self, connection: sqlite3.Connection) -> None:
        """Saves the uptime now and then, if possible in a transaction that changes something else."""
        is_changing = connection.total_changes != self._changes
        if abs(self.now() - self._saved) >= (SAVE_AFTER if is_changing else _SAVE_ALONE_AFTER):
            self.write(connection)
        self._changes = connection.total_changes

    def write(self, connection: sqlite3.Connection) -> None:
        """Saves the uptime."""
        self._saved = self.now()
        connection.execute("REPLACE INTO uptime (rowid, micros) VALUES (1, ?)", (self._saved,))


def read_saved_uptime(connection: sqlite3.Connection) -> int:
    """Returns the uptime that was saved last."""
    (saved,) = connection.execute(
        "SELECT max(micros) FROM uptime WHERE typeof(micros) = 'integer' AND micros BETWEEN 0 AND ?", (_MAX,)
    ).fetchone()
    return int(saved or _START)
