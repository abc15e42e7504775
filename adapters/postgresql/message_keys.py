"""The message keys. `reserved_at` is in microseconds since 1970, `uptime` that of the latest use."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.postgresql.database import Database
from adapters.postgresql.uptime import NOW, purge
from adapters.sql.codec import optional_from_micros, to_micros
from domain.channels import ChannelId
from domain.message_keys import KeyedMessage

_COLUMNS = "channel_id, key, timestamp, reserved_at"


class PostgresMessageKeys:
    """Implements MessageKeys."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def find(self, channel_id: ChannelId, key: str) -> KeyedMessage | None:
        rows = await self.database.fetch(
            f"SELECT {_COLUMNS} FROM flyte_slack.message_keys WHERE channel_id = %s AND key = %s", (channel_id, key)
        )
        return _keyed_message(rows[0]) if rows else None

    async def reserve(self, channel_id: ChannelId, key: str, since: datetime) -> KeyedMessage:
        [row] = await self.database.fetch(
            f"INSERT INTO flyte_slack.message_keys AS known ({_COLUMNS}, uptime) VALUES (%s, %s, '', %s, {NOW}) "
            "ON CONFLICT (channel_id, key) DO UPDATE SET uptime = excluded.uptime, reserved_at = CASE "
            "WHEN known.timestamp = '' THEN least(known.reserved_at, excluded.reserved_at) END "
            f"RETURNING {_COLUMNS}",
            (channel_id, key, to_micros(since)),
        )
        return _keyed_message(row)

    async def bind(self, channel_id: ChannelId, key: str, timestamp: str) -> None:
        await self.database.fetch(
            f"INSERT INTO flyte_slack.message_keys ({_COLUMNS}, uptime) VALUES (%s, %s, %s, NULL, {NOW}) "
            "ON CONFLICT (channel_id, key) DO UPDATE SET timestamp = excluded.timestamp, reserved_at = NULL, "
            "uptime = excluded.uptime RETURNING true",
            (channel_id, key, timestamp),
        )

    async def touch(self, channel_id: ChannelId, key: str) -> None:
        await self.database.fetch(
            f"UPDATE flyte_slack.message_keys SET uptime = {NOW} WHERE channel_id = %s AND key = %s RETURNING true",
            (channel_id, key),
        )

    async def release(self, channel_id: ChannelId, key: str) -> None:
        await self.database.fetch(
            "DELETE FROM flyte_slack.message_keys WHERE channel_id = %s AND key = %s AND timestamp = '' RETURNING true",
            (channel_id, key),
        )

    async def free(self, channel_id: ChannelId, timestamp: str) -> None:
        await self.database.fetch(
            "DELETE FROM flyte_slack.message_keys WHERE channel_id = %s AND timestamp = %s AND timestamp <> '' "
            "RETURNING true",
            (channel_id, timestamp),
        )

    async def keys_of(self, messages: Sequence[tuple[ChannelId, str]]) -> list[str]:
        rows = await self.database.fetch(
            """SELECT coalesce(latest.key, '')
            FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS asked (channel_id, timestamp, position)
            LEFT JOIN LATERAL (
                SELECT key FROM flyte_slack.message_keys AS known WHERE known.channel_id = asked.channel_id
                AND known.timestamp = asked.timestamp AND known.timestamp <> '' ORDER BY uptime DESC LIMIT 1
            ) AS latest ON true ORDER BY position""",
            ([channel_id for channel_id, _ in messages], [timestamp for _, timestamp in messages]),
        )
        return [key for (key,) in rows]

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, "message_keys", "channel_id, key", older_than)


def _keyed_message(row: Sequence[Any]) -> KeyedMessage:
    channel_id, key, timestamp, reserved_at = row
    return KeyedMessage(ChannelId(channel_id), key, timestamp, optional_from_micros(reserved_at))
