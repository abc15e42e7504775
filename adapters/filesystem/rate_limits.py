"""Rate limits in memory, saved in SQLite along with whatever is committed next."""

import sqlite3
import threading

from adapters.filesystem.codec import from_micros, to_micros
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.rate_limits import InMemoryRateLimiter, TokenBucket


class FileRateLimiter(InMemoryRateLimiter):
    """Implements RateLimiter. A change costs no fsync of its own."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, self._on_change)
        self._lock = threading.Lock()
        self._changed: dict[ChannelId, TokenBucket] = {}

    def read(self, connection: sqlite3.Connection) -> None:
        """Restores what was saved last."""
        rows = connection.execute("SELECT channel_id, used_until, held_until FROM paces")
        self.restore(
            {
                ChannelId(channel_id): TokenBucket(from_micros(used_until), from_micros(paused_until))
                for channel_id, used_until, paused_until in rows
            }
        )

    def write(self, connection: sqlite3.Connection) -> None:
        """Adds the latest changes to the transaction. Runs in the database's thread."""
        with self._lock:
            changed, self._changed = self._changed, {}
        connection.executemany(
            "REPLACE INTO paces VALUES (?, ?, ?)",
            [
                (channel_id, to_micros(bucket.used_until), to_micros(bucket.paused_until))
                for channel_id, bucket in changed.items()
            ],
        )

    def _on_change(self, channel_id: ChannelId, bucket: TokenBucket) -> None:
        with self._lock:
            self._changed[channel_id] = bucket
