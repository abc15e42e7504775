"""The leases of outgoing lanes, and of work that one replica does for all."""

from adapters.postgresql.database import Database
from adapters.postgresql.ownership import release_lost
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.uptime import NOW, SECOND
from adapters.postgresql.wakeups import Wakeups
from application.ports.storage import Topic
from domain.actions import ActionId
from domain.errors import LeaseLost
from domain.outbox import Lane, Lease

_ACQUIRE = f"""WITH lost AS MATERIALIZED (
        SELECT FROM flyte_slack.journal WHERE id = %(action_id)s
        AND (owner IS DISTINCT FROM %(me)s OR state NOT IN ('taken', 'executing'))
    ), acquired AS (
        INSERT INTO flyte_slack.action_lanes AS lane (name, holder, token)
        SELECT %(lane)s, %(me)s, 1 WHERE NOT EXISTS (SELECT FROM lost) AND NOT EXISTS (
            SELECT FROM flyte_slack.journal AS own JOIN flyte_slack.journal AS earlier
            ON earlier.lane IN (%(lane)s, own.lane) AND earlier.place < own.place
            WHERE own.id = %(action_id)s AND earlier.state IN ('taken', 'executing')
        ) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = lane.token + 1
        WHERE lane.holder IS NULL OR lane.holder = excluded.holder RETURNING token
    ) SELECT (SELECT token FROM acquired), EXISTS (
        SELECT FROM flyte_slack.action_lanes AS lane JOIN flyte_slack.replicas ON id = holder
        WHERE lane.name = %(lane)s AND id <> %(me)s AND alive_until <= {NOW}
    ), EXISTS (SELECT FROM lost)"""
"""The token of the new lease; NULL if there is none.

Also whether the lane is that of a lost replica, and whether this one has lost the action.
"""

_IS_HELD = "name = %(lane)s AND token = %(token)s AND holder = %(me)s"

REMAINING = f"""SELECT alive_until - {NOW} AS remaining FROM flyte_slack.replicas
    JOIN flyte_slack.action_lanes AS lane ON holder = id WHERE lane.{_IS_HELD}"""
"""The microseconds for which this replica still certainly has a lease; no row if it is lost."""


class PostgresLeases:
    """Implements Leases."""

    def __init__(self, database: Database, replicas: PostgresReplicas, wakeups: Wakeups) -> None:
        self.database = database
        self._replicas = replicas
        self._wakeups = wakeups

    async def acquire(self, lane: Lane, action_id: ActionId | None = None) -> Lease | None:
        values = {"lane": lane, "action_id": action_id, "me": self._replicas.own_id}
        [(token, is_of_lost, is_action_lost)] = await self.database.fetch(_ACQUIRE, values)
        if token is None and is_of_lost:
            await release_lost(self.database, self._replicas.own_id)
            [(token, _, is_action_lost)] = await self.database.fetch(_ACQUIRE, values)
        if is_action_lost:
            raise LeaseLost(f"the action {action_id}")
        return None if token is None else Lease(lane, token)

    async def first(self, lane: Lane) -> ActionId | None:
        rows = await self.database.fetch(
            "SELECT id FROM flyte_slack.journal WHERE lane = %s AND state IN ('taken', 'executing') "
            "ORDER BY place LIMIT 1",
            (lane,),
        )
        return ActionId(rows[0][0]) if rows else None

    async def check(self, lease: Lease) -> None:
        if self.is_late(await self._remaining(lease)):
            await self._replicas.heartbeat(self._replicas.lease_seconds)
            await self._remaining(lease)  # it may have been lost meanwhile

    async def release(self, lease: Lease) -> None:
        await self.database.fetch(
            f"UPDATE flyte_slack.action_lanes SET holder = NULL WHERE {_IS_HELD} RETURNING true", self.values(lease)
        )
        self._wakeups.announce(Topic.LANES)

    def values(self, lease: Lease) -> dict[str, object]:
        """Returns the parameters of REMAINING."""
        return {"lane": lease.lane, "token": lease.token, "me": self._replicas.own_id}

    def is_late(self, remaining: int) -> bool:
        """Returns whether the heartbeat is so late that the lease might end before a post that follows is there."""
        return remaining < self._replicas.lease_seconds / 2 * SECOND

    async def _remaining(self, lease: Lease) -> int:
        """Raises LeaseLost."""
        rows = await self.database.fetch(REMAINING, self.values(lease))
        if not rows:
            raise LeaseLost(lease.lane)
        return int(rows[0][0])
