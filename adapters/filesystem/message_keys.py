"""The message keys in SQLite. `reserved_since` is in microseconds since 1970, `uptime` that of the latest use."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.filesystem.ages import purge
from adapters.filesystem.database import Database, transaction
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import optional_from_micros, to_micros
from domain.channels import ChannelId
from domain.message_keys import KeyedMessage

_SELECT = "SELECT channel_id, key, timestamp, reserved_since FROM message_keys"


class FileMessageKeys:
    """Implements MessageKeys."""

    def __init__(self, database: Database, uptime: Uptime) -> None:
        self.database = database
        self._uptime = uptime

    @transaction
    def find(self, connection: sqlite3.Connection, channel_id: ChannelId, key: str) -> KeyedMessage | None:
        row = connection.execute(f"{_SELECT} WHERE channel_id = ? AND key = ?", (channel_id, key)).fetchone()
        return _keyed_message(row) if row else None

    @transaction
    def reserve(self, connection: sqlite3.Connection, channel_id: ChannelId, key: str, since: datetime) -> KeyedMessage:
        (row,) = connection.execute(
            "INSERT INTO message_keys VALUES (?, ?, '', ?, ?) ON CONFLICT DO UPDATE SET uptime = excluded.uptime, "
            "reserved_since = min(reserved_since, excluded.reserved_since) "
            "RETURNING channel_id, key, timestamp, reserved_since",
            (channel_id, key, to_micros(since), self._uptime.now()),
        ).fetchall()
        return _keyed_message(row)

    @transaction
    def bind(self, connection: sqlite3.Connection, channel_id: ChannelId, key: str, timestamp: str) -> None:
        connection.execute(
            "REPLACE INTO message_keys VALUES (?, ?, ?, NULL, ?)", (channel_id, key, timestamp, self._uptime.now())
        )

    @transaction
    def touch(self, connection: sqlite3.Connection, channel_id: ChannelId, key: str) -> None:
        connection.execute(
            "UPDATE message_keys SET uptime = ? WHERE channel_id = ? AND key = ?",
            (self._uptime.now(), channel_id, key),
        )

    @transaction
    def release(self, connection: sqlite3.Connection, channel_id: ChannelId, key: str) -> None:
        connection.execute(
            "DELETE FROM message_keys WHERE channel_id = ? AND key = ? AND timestamp = ''", (channel_id, key)
        )

    @transaction
    def free(self, connection: sqlite3.Connection, channel_id: ChannelId, timestamp: str) -> None:
        connection.execute(
            "DELETE FROM message_keys WHERE channel_id = ? AND timestamp = ? AND timestamp <> ''",
            (channel_id, timestamp),
        )

    @transaction
    def keys_of(self, connection: sqlite3.Connection, messages: Sequence[tuple[ChannelId, str]]) -> list[str]:
        return [_key_of(connection, *message) for message in messages]

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, self._uptime, "message_keys", "channel_id, key", older_than)


def _key_of(connection: sqlite3.Connection, channel_id: ChannelId, timestamp: str) -> str:
    row = connection.execute(
        "SELECT key FROM message_keys WHERE channel_id = ? AND timestamp = ? AND timestamp <> '' "
        "ORDER BY uptime DESC LIMIT 1",
        (channel_id, timestamp),
    ).fetchone()
    return str(row[0]) if row else ""


def _keyed_message(row: tuple[str, str, str, int | None]) -> KeyedMessage:
    channel_id, key, timestamp, reserved_since = row
    return KeyedMessage(ChannelId(channel_id), key, timestamp, optional_from_micros(reserved_since))
