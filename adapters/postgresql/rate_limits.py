"""The rates and pauses of all replicas: `domain.rate_limits.TokenBucket` in SQL, a row for each channel or method.

Times are uptimes; NULL stands for a time long ago.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from adapters.postgresql.database import Database
from adapters.postgresql.session import Session
from adapters.postgresql.uptime import NOW, SECOND
from adapters.sql.codec import optional_from_micros, to_micros
from domain.channels import ChannelId
from domain.rate_limits import MAX_PAUSE_SECONDS, PAUSE_REMEMBERED_SECONDS

_RESERVE = """WITH given AS MATERIALIZED (
        SELECT now, %s::bigint AS interval, %s::bigint AS ahead FROM flyte_slack.clock
    )
    INSERT INTO flyte_slack.rates AS bucket (name, used_until) SELECT %s, now + interval FROM given
    ON CONFLICT (name) DO UPDATE SET is_restored = false, used_until = (SELECT interval + greatest(
        now, bucket.paused_until + ahead,
        least(bucket.used_until, CASE WHEN bucket.is_restored THEN now + ahead + interval END)
    ) FROM given)
    RETURNING greatest(0, used_until - (SELECT now + ahead + interval FROM given))"""
"""One statement, which locks the row: no two replicas get the same slot. If it is repeated, a slot remains unused."""


class PostgresRateLimiter:
    """Implements RateLimiter. Exact also after a crash; all replicas together keep the rate of a channel."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def reserve(self, channel_id: ChannelId, per_second: float, burst: int) -> float:
        interval = round(SECOND / per_second)
        [(wait,)] = await self.database.fetch(_RESERVE, (interval, max(burst - 1, 0) * interval, channel_id))
        return float(wait) / SECOND

    async def pause(self, name: str, seconds: float) -> None:
        await self.database.fetch(
            f"INSERT INTO flyte_slack.rates AS bucket (name, paused_until) VALUES (%s, {NOW} + %s) "
            "ON CONFLICT (name) DO UPDATE SET paused_until = greatest(bucket.paused_until, excluded.paused_until) "
            "RETURNING true",
            (name, round(min(MAX_PAUSE_SECONDS, seconds) * SECOND)),
        )

    async def pause_left(self, name: str) -> float:
        rows = await self.database.fetch(
            "SELECT paused_until - now FROM flyte_slack.rates, flyte_slack.clock "
            "WHERE name = %s AND paused_until > now",
            (name,),
        )
        return float(rows[0][0]) / SECOND if rows else 0.0

    async def paused(self) -> Mapping[str, float]:
        rows = await self.database.fetch(
            "SELECT name, paused_until - now FROM flyte_slack.rates, flyte_slack.clock WHERE paused_until > now"
        )
        return {name: left / SECOND for name, left in rows}

    async def lift(self, names: Collection[str]) -> None:
        await self.database.fetch(
            "UPDATE flyte_slack.rates SET paused_until = NULL WHERE name = ANY(%s::text[]) RETURNING true",
            (sorted(names),),
        )

    async def note_steady(self, at: datetime) -> None:
        await self.database.fetch("UPDATE flyte_slack.storage SET steady_at = %s RETURNING true", (to_micros(at),))

    async def steady_at(self) -> datetime | None:
        [(steady_at,)] = await self.database.fetch("SELECT steady_at FROM flyte_slack.storage")
        return optional_from_micros(steady_at)

    async def sync(self) -> None:
        """Forgets what is over. What other processes lift is over at once."""
        await self.database.fetch(
            f"DELETE FROM flyte_slack.rates WHERE coalesce(used_until, 0) <= {NOW} "
            f"AND coalesce(paused_until, 0) <= {NOW} - %s RETURNING true",
            (round(PAUSE_REMEMBERED_SECONDS * SECOND),),
        )


async def forget_reservations(session: Session) -> None:
    """If no replica is alive, lets reserved slots count only as far as the next rate allows: no post waits for them."""
    await session.send(
        "UPDATE flyte_slack.rates SET is_restored = true WHERE NOT is_restored AND NOT EXISTS "
        "(SELECT FROM flyte_slack.replicas JOIN flyte_slack.clock ON alive_until > now)"
    )
