"""Since when each replica polls for actions. A session whose replica is lost waits for another one to take it over."""

from datetime import datetime

from adapters.postgresql.database import Database, transaction
from adapters.postgresql.ownership import release_lost
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Session
from adapters.sql.codec import from_micros, to_micros
from application.ports.clock import Clock


class PollSessions:
    """Implements the part of Journal that concerns poll sessions."""

    def __init__(self, database: Database, clock: Clock, replicas: PostgresReplicas) -> None:
        self.database = database
        self._clock = clock
        self._replicas = replicas

    async def open_poll_session(self, at: datetime | None = None) -> datetime | None:
        await release_lost(self.database, self._replicas.own_id)
        at = at or self._clock.now()
        earlier = await self._open(at)
        self._replicas.polls_since = at
        return earlier

    async def abandoned_poll_session(self) -> datetime | None:
        await release_lost(self.database, self._replicas.own_id)
        if not await self.database.fetch("SELECT true FROM flyte_slack.poll_sessions WHERE owner IS NULL LIMIT 1"):
            return None
        return await self._take_over()

    async def close_poll_session(self) -> None:
        self._replicas.polls_since = None
        await self.database.fetch(
            "DELETE FROM flyte_slack.poll_sessions WHERE owner = %s RETURNING true", (self._replicas.own_id,)
        )

    @transaction
    async def _open(self, session: Session, at: datetime) -> datetime | None:
        own_id = self._replicas.own_id
        rows = await session.fetch(
            "UPDATE flyte_slack.poll_sessions SET owner = %s WHERE owner IS NULL OR owner = %s RETURNING since",
            (own_id, own_id),
        )
        if rows:
            return min(at, *[from_micros(since) for (since,) in rows])
        await session.send("INSERT INTO flyte_slack.poll_sessions VALUES (%s, %s)", (own_id, to_micros(at)))
        return None

    @transaction
    async def _take_over(self, session: Session) -> datetime | None:
        rows = await session.fetch(
            "UPDATE flyte_slack.poll_sessions SET owner = %s WHERE owner IS NULL RETURNING since",
            (self._replicas.own_id,),
        )
        return min((from_micros(since) for (since,) in rows), default=None)
