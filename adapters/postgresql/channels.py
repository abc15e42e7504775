"""The channels that the replicas listen to. Times are microseconds since 1970."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.postgresql.database import Database
from adapters.sql.codec import MICROSECOND, from_micros, to_micros
from domain.channels import ChannelId, JoinedChannels


class PostgresChannels:
    """Implements Channels."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def joined(self) -> JoinedChannels:
        rows = await self.database.fetch(
            "SELECT channel_id FROM flyte_slack.joined WHERE position IS NOT NULL ORDER BY position"
        )
        return JoinedChannels(tuple(ChannelId(channel_id) for (channel_id,) in rows))

    async def join(self, channel_id: ChannelId, *, since: datetime) -> None:
        await self.database.fetch(
            "INSERT INTO flyte_slack.joined AS known VALUES (%s, nextval('flyte_slack.joined_position'), %s) "
            "ON CONFLICT (channel_id) DO UPDATE SET position = excluded.position, "
            "listens_since = excluded.listens_since WHERE known.position IS NULL RETURNING true",
            (channel_id, to_micros(since)),
        )

    async def note_listening(self, channel_ids: Sequence[ChannelId], since: datetime) -> None:
        await self.database.fetch(
            "INSERT INTO flyte_slack.joined (channel_id, listens_since) SELECT unnest(%s::text[]), %s "
            "ON CONFLICT DO NOTHING RETURNING true",
            (sorted(channel_ids), to_micros(since)),
        )

    async def was_joined(self, channel_id: ChannelId) -> bool:
        return bool(
            await self.database.fetch("SELECT true FROM flyte_slack.joined WHERE channel_id = %s", (channel_id,))
        )

    async def leave(self, channel_id: ChannelId) -> None:
        await self.database.fetch(
            "UPDATE flyte_slack.joined SET position = NULL WHERE channel_id = %s RETURNING true", (channel_id,)
        )

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        rows = await self.database.fetch("SELECT channel_ids FROM flyte_slack.unjoined_memberships")
        return frozenset(map(ChannelId, rows[0][0])) if rows else None

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        await self.database.fetch(
            "INSERT INTO flyte_slack.unjoined_memberships (channel_ids) VALUES (%s::text[]) "
            "ON CONFLICT (is_only) DO UPDATE SET channel_ids = excluded.channel_ids RETURNING true",
            (sorted(channel_ids),),
        )

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        [(last_at,)] = await self.database.fetch(
            "SELECT greatest((SELECT listens_since FROM flyte_slack.joined WHERE channel_id = %s), "
            "(SELECT heard_to FROM flyte_slack.lanes WHERE name = %s) - %s)",
            (channel_id, channel_id, overlap // MICROSECOND),
        )
        return None if last_at is None else from_micros(last_at)

    async def active_since(self, time: datetime) -> frozenset[ChannelId]:
        rows = await self.database.fetch("SELECT name FROM flyte_slack.lanes WHERE heard_to >= %s", (to_micros(time),))
        return frozenset(ChannelId(name) for (name,) in rows)
