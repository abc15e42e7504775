"""The processes that share the database: a row for each, which its heartbeats keep alive."""

import json
from datetime import datetime

from adapters.postgresql.database import Database
from adapters.postgresql.processes import has_ended, own_process
from adapters.postgresql.session import Session
from adapters.sql.codec import micros_of, optional_from_micros, to_micros
from application.ports.replicas import Replica
from domain.errors import StorageUnusable

_LISTED_SECONDS = 3600
"""How long a replica that is gone is remembered."""

_HEARTBEAT = """
    WITH clock AS MATERIALIZED (SELECT now FROM flyte_slack.clock),
    moved AS (
        UPDATE flyte_slack.uptime SET micros = greatest(micros, now), seen_at = flyte_slack.server_clock()
        FROM clock WHERE abs(extract(epoch FROM flyte_slack.server_clock() - seen_at)) > 0.5
    ),
    reopened AS (
        INSERT INTO flyte_slack.poll_sessions (owner, since) SELECT %(me)s, %(polls_since)s::bigint
        WHERE %(polls_since)s::bigint IS NOT NULL
        AND NOT EXISTS (SELECT FROM flyte_slack.poll_sessions WHERE owner = %(me)s)
    )
    INSERT INTO flyte_slack.replicas (id, alive_until) SELECT %(me)s, now + %(lease)s FROM clock
    ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until RETURNING EXISTS (
        SELECT FROM flyte_slack.replicas AS other, clock WHERE other.id <> %(me)s AND other.alive_until > now
    )
"""
"""Also opens the poll session again that another process took over although this one is alive."""


class PostgresReplicas:
    """Implements Replicas."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.own_id = 0
        """The id of this process among all that ever used the database; 0 if it is no replica."""
        self.has_others = True
        """Whether other processes were alive at the latest heartbeat; true before the first one."""
        self.lease_seconds = 0.0
        """How long a heartbeat keeps what this process owns."""
        self.polls_since: datetime | None = None
        """Since when this process has polled for actions; None while it does not."""

    async def end_killed(self, session: Session) -> list[int]:
        """Ends the heartbeats of processes that have certainly ended: those of this machine. Returns their ids."""
        rows = await session.fetch(
            "SELECT id, process FROM flyte_slack.replicas, flyte_slack.clock WHERE alive_until > now"
        )
        killed = [replica for replica, process in rows if has_ended(process)]
        await session.execute(
            "UPDATE flyte_slack.replicas SET alive_until = least(alive_until, micros) FROM flyte_slack.uptime "
            "WHERE id = ANY(%s)",
            (killed,),
        )
        return killed

    async def enter(self, session: Session, lease_seconds: float) -> None:
        """Makes this process a replica. Time for which none was alive does not count."""
        self.lease_seconds = lease_seconds
        await session.send(
            "UPDATE flyte_slack.uptime SET seen_at = flyte_slack.server_clock() WHERE NOT EXISTS "
            "(SELECT FROM flyte_slack.replicas JOIN flyte_slack.clock ON alive_until > now)"
        )
        [(self.own_id,)] = await session.fetch(
            "INSERT INTO flyte_slack.replicas (process, alive_until) SELECT %s, now + %s FROM flyte_slack.clock "
            "RETURNING id",
            (own_process(), micros_of(lease_seconds)),
        )

    async def heartbeat(self, lease_seconds: float) -> None:
        """Keeps what this process owns for `lease_seconds`, and advances the uptime."""
        self.lease_seconds = lease_seconds
        [(self.has_others,)] = await self.database.renew(_HEARTBEAT, self._heartbeat_values())

    async def heartbeat_in(self, session: Session) -> None:
        """Does within a transaction what `heartbeat` does, for as long as it did lately."""
        await session.send(_HEARTBEAT, self._heartbeat_values())

    def _heartbeat_values(self) -> dict[str, object]:
        return {
            "me": self.own_id,
            "lease": micros_of(self.lease_seconds),
            "polls_since": self.polls_since and to_micros(self.polls_since),
        }

    async def leave(self, session: Session) -> None:
        """Ends what this process owns."""
        await session.send(
            "UPDATE flyte_slack.replicas SET alive_until = least(alive_until, now), has_ended = true "
            "FROM flyte_slack.clock WHERE id = %s",
            (self.own_id,),
        )

    async def announce(self, replica: Replica) -> list[Replica]:
        await self.database.fetch(
            "UPDATE flyte_slack.replicas SET name = %s, version = %s, settings = %s, commands = %s WHERE id = %s "
            "RETURNING id",
            (replica.name, replica.version, json.dumps(dict(replica.settings)), list(replica.commands), self.own_id),
        )
        return await self.others()

    async def others(self) -> list[Replica]:
        rows = await self.database.fetch(
            "SELECT name, version, settings, commands, greatest(now - alive_until, 0), has_ended "
            "FROM flyte_slack.replicas, flyte_slack.clock "
            "WHERE name IS NOT NULL AND id <> %s AND alive_until > now - %s ORDER BY id",
            (self.own_id, micros_of(_LISTED_SECONDS)),
        )
        return [
            Replica(name, version, json.loads(settings), tuple(commands), gone / 1_000_000, has_ended)
            for name, version, settings, commands, gone, has_ended in rows
        ]

    async def claim_for(self, team_id: str, bot_id: str) -> None:
        [(owner_team, owner_bot)] = await self.database.fetch(
            "UPDATE flyte_slack.storage SET team_id = CASE bot_id WHEN '' THEN %s ELSE team_id END, "
            "bot_id = CASE bot_id WHEN '' THEN %s ELSE bot_id END RETURNING team_id, bot_id",
            (team_id, bot_id),
        )
        if (owner_team, owner_bot) != (team_id, bot_id):
            raise StorageUnusable(
                f"the {self.database.location} belongs to the bot {owner_bot} of the workspace {owner_team}, and this "
                f"pack is the bot {bot_id} of the workspace {team_id}; use a database of its own"
            )

    async def note_connected(self, at: datetime) -> None:
        await self.database.fetch(
            "UPDATE flyte_slack.storage SET connected_at = greatest(connected_at, %s) RETURNING true",
            (to_micros(at),),
        )

    async def connected_until(self) -> datetime | None:
        [(at,)] = await self.database.fetch("SELECT connected_at FROM flyte_slack.storage")
        return optional_from_micros(at)
