"""The gaps of all replicas. Times are microseconds since 1970."""

from collections.abc import Sequence
from typing import Any

from adapters.postgresql.database import Database, transaction
from adapters.postgresql.session import Session
from adapters.sql.codec import from_micros, to_micros
from domain.channels import ChannelId
from domain.gaps import Gap

_SELECT = "SELECT channel_id, after_at, until_at FROM flyte_slack.gaps"
_DELETE = "DELETE FROM flyte_slack.gaps WHERE channel_id = %s AND after_at = %s AND until_at = %s"
_LOCK = "LOCK TABLE flyte_slack.gaps IN SHARE ROW EXCLUSIVE MODE"
"""Locks the table: one replica at a time changes gaps; others may read them."""


class PostgresGaps:
    """Implements Gaps."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @transaction
    async def add(self, session: Session, gaps: Sequence[Gap]) -> None:
        await session.send(_LOCK)
        for gap in gaps:
            known = await session.fetch(f"{_SELECT} WHERE channel_id = %s", (gap.channel_id,))
            overlapping = [other for other in map(_gap, known) if other.overlaps(gap)]
            for other in overlapping:
                await session.send(_DELETE, _row(other))
            await session.send("INSERT INTO flyte_slack.gaps VALUES (%s, %s, %s)", _row(gap.merged(overlapping)))

    async def pending(self) -> list[Gap]:
        return [_gap(row) for row in await self.database.fetch(_SELECT)]

    async def close(self, gap: Gap) -> None:
        await self.database.fetch(f"{_DELETE} RETURNING true", _row(gap))


def _row(gap: Gap) -> tuple[str, int, int]:
    return gap.channel_id, to_micros(gap.after), to_micros(gap.until)


def _gap(row: Sequence[Any]) -> Gap:
    channel_id, after, until = row
    return Gap(ChannelId(channel_id), from_micros(after), from_micros(until))
