"""The paces in memory, and in SQLite along with whatever is committed next."""

import sqlite3
import threading

from adapters.filesystem.codec import from_micros, to_micros
from domain.channels import ChannelId
from domain.rate_limits import InMemoryRateLimiter, TokenBucket


class FileRateLimiter(InMemoryRateLimiter):
    """The paces port. A change costs no fsync of its own."""

    def __init__(self) -> None:
        super().__init__(note=self._note_change)
        self._guard = threading.Lock()
        self._changed: dict[ChannelId, TokenBucket] = {}

    def read(self, connection: sqlite3.Connection) -> None:
        """Go on from what was written last."""
        rows = connection.execute("SELECT channel_id, used_until, held_until FROM paces")
        self.restore(
            {
                ChannelId(channel_id): TokenBucket(from_micros(used), from_micros(held))
                for channel_id, used, held in rows
            }
        )

    def write(self, connection: sqlite3.Connection) -> None:
        """Add to the transaction what changed since the last one. Runs in the database's thread."""
        with self._guard:
            changed, self._changed = self._changed, {}
        connection.executemany(
            "REPLACE INTO paces VALUES (?, ?, ?)",
            [
                (channel_id, to_micros(pace.used_until), to_micros(pace.paused_until))
                for channel_id, pace in changed.items()
            ],
        )

    def _note_change(self, channel_id: ChannelId, pace: TokenBucket) -> None:
        with self._guard:
            self._changed[channel_id] = pace
