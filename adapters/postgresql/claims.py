"""Claims of lanes. Each lane is a row, which is locked by whoever changes the lane's entries.

While a lane is claimed, `head` and `waiting` stay as they were when the claim began. When it ends the lane is settled:
they are set according to the entries that are left.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import structlog
from psycopg.rows import TupleRow

from adapters.postgresql.database import Database, transaction
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Rows, Session
from adapters.postgresql.wakeups import Wakeups
from adapters.sql.codec import Unreadable, micros_of, to_micros
from adapters.sql.outbox_rows import load_entry
from application.ports.clock import Clock
from domain.errors import LeaseLost
from domain.outbox import Claim, EventKind, Lane, Lease, OutboxEntry

log = structlog.get_logger()

ENTRY: Final = "place, key, kind, event, received_at, is_backfilled, rejections, first_rejected_at, reason, traceparent"
"""The columns that `load_entry` takes."""
_KINDS: Final = [kind.value for kind in EventKind]
_END_DELAYS: Final = "UPDATE flyte_slack.lanes SET not_before = NULL WHERE name = ANY(%s)"
_LOCK_DUE: Final = """
    WITH over AS (
        SELECT name, coalesce(lease_until <= now, false) AS has_expired FROM flyte_slack.lanes, flyte_slack.clock
        WHERE is_active AND (lease_until <= now OR not_before <= now) FOR UPDATE OF lanes SKIP LOCKED
    ),
    due AS (
        SELECT name, priority, head_at, head FROM flyte_slack.lanes
        WHERE is_active AND lease_until IS NULL AND not_before IS NULL AND priority >= %s AND head_kind = ANY(%s)
        ORDER BY priority DESC, head_at, head LIMIT %s FOR UPDATE SKIP LOCKED
    )
    SELECT ARRAY(SELECT name FROM over WHERE has_expired), ARRAY(SELECT name FROM over WHERE NOT has_expired),
        ARRAY(SELECT name FROM due ORDER BY priority DESC, head_at, head)
"""
"""Locks lanes whose lease has expired, lanes whose delay is over, and lanes that can be claimed."""
_CLAIM: Final = f"""
    WITH clock AS MATERIALIZED (SELECT now FROM flyte_slack.clock),
    found AS (
        SELECT position, in_doubt, entry.*,
            bool_and(kind = ANY(%(kinds)s)) OVER (PARTITION BY lane ORDER BY place) AS known
        FROM unnest(%(names)s::text[]) WITH ORDINALITY AS given (name, position)
        JOIN flyte_slack.lanes USING (name) CROSS JOIN LATERAL (
            SELECT lane, {ENTRY}, rejected_uptime FROM flyte_slack.outbox
            WHERE lane = name AND state = 'waiting' AND place >= head ORDER BY place LIMIT %(entries)s
        ) AS entry
    ),
    first AS MATERIALIZED (SELECT * FROM found WHERE known),
    claimed AS (
        UPDATE flyte_slack.lanes SET holder = %(holder)s, token = token + 1, lease_until = now + %(lease)s,
            claimed = number, claimed_to = last
        FROM (SELECT lane, count(*) AS number, max(place) AS last FROM first GROUP BY lane) AS held, clock
        WHERE name = held.lane RETURNING name, token
    )
    SELECT lane, token, now - rejected_uptime, in_doubt, {ENTRY}
    FROM first JOIN claimed ON name = lane, clock ORDER BY position, place
"""
"""Claims locked lanes, and returns their entries up to the first one of a kind that this program does not know."""
_SETTLE: Final = """
    WITH settled AS MATERIALIZED (
        SELECT name, number, first.* FROM flyte_slack.lanes LEFT JOIN LATERAL (
            SELECT place, uptime AS since, kind FROM flyte_slack.outbox
            WHERE lane = name AND state = 'waiting' AND place >= head ORDER BY place LIMIT 1
        ) AS first ON true CROSS JOIN LATERAL (
            SELECT count(*) AS number FROM flyte_slack.outbox
            WHERE lane = name AND state = 'waiting' AND place BETWEEN head AND claimed_to
        ) AS left_over WHERE name = ANY(%(names)s)
    )
    UPDATE flyte_slack.lanes AS lane SET
        is_active = place IS NOT NULL, head = place, head_at = since, head_kind = kind,
        waiting = waiting - claimed + number, claimed = 0, claimed_to = NULL, holder = NULL, lease_until = NULL,
        not_before = CASE WHEN place IS NOT NULL THEN coalesce(now + nullif(%(delay)s, 0), not_before) END,
        in_doubt = CASE WHEN %(have_expired)s AND number > 0 THEN place ELSE in_doubt END
    FROM settled, flyte_slack.clock WHERE lane.name = settled.name
"""
_REJECT: Final = """
    UPDATE flyte_slack.outbox SET rejections = rejections + 1, first_rejected_at = coalesce(first_rejected_at, %s),
        rejected_uptime = coalesce(rejected_uptime, now)
    FROM flyte_slack.clock WHERE place = (
        SELECT min(place) FROM flyte_slack.outbox JOIN flyte_slack.lanes ON lane = name
        WHERE name = %s AND state = 'waiting' AND place BETWEEN head AND claimed_to
    )
"""
_SET_ASIDE: Final = """
    WITH aside AS (
        UPDATE flyte_slack.outbox SET state = 'set aside', reason = %s, is_backfilled = false, rejections = 0,
            first_rejected_at = NULL, rejected_uptime = NULL
        WHERE place = %s RETURNING lane, place
    )
    UPDATE flyte_slack.lanes SET dead_lettered = dead_lettered + 1,
        waiting = waiting - (claimed_to IS NULL OR place > claimed_to)::int
    FROM aside WHERE name = lane
"""


class _NothingDue(Exception):
    """There is nothing to claim, and nothing to commit."""


class PostgresClaims:
    """Implements the part of Outbox that hands out lanes."""

    def __init__(self, database: Database, clock: Clock, replicas: PostgresReplicas, wakeups: Wakeups) -> None:
        self.database = database
        self._clock = clock
        self._replicas = replicas
        self._wakeups = wakeups

    async def claim(
        self, lanes: int, entries: int, lease_seconds: float, *, held: Sequence[Claim] = (), min_priority: int = 0
    ) -> list[Claim]:
        if held:
            await self._renew_old_leases(held, lease_seconds)
        try:
            return await self._claim(lanes, entries, lease_seconds, min_priority)
        except _NothingDue:
            return []

    @transaction
    async def release(
        self, session: Session, claim: Claim, *, retry_after_seconds: float = 0, rejected: bool = False
    ) -> None:
        held = await session.send(
            "SELECT name FROM flyte_slack.lanes WHERE name = %s AND token = %s AND lease_until IS NOT NULL FOR UPDATE",
            (claim.lane, claim.lease.token),
        )
        if rejected:
            await session.send(_REJECT, (to_micros(self._clock.now()), claim.lane))
        await settle(session, [claim.lane], delay_seconds=retry_after_seconds)
        if await held.fetchone() is None:
            raise LeaseLost(claim.lane)

    async def renew_lease(self, claim: Claim, lease_seconds: float) -> None:
        if not await self.database.renew(
            "UPDATE flyte_slack.lanes SET lease_until = now + %s FROM flyte_slack.clock "
            "WHERE name = %s AND token = %s AND lease_until IS NOT NULL RETURNING name",
            (micros_of(lease_seconds), claim.lane, claim.lease.token),
        ):
            raise LeaseLost(claim.lane)

    async def next_due_seconds(self) -> float | None:
        [(due,)] = await self.database.fetch(
            "SELECT min(not_before - now) FROM flyte_slack.lanes, flyte_slack.clock WHERE is_active"
        )
        return None if due is None else due / 1_000_000

    async def end_claims(self, session: Session, holders: Sequence[int]) -> None:
        """Ends the claims of replicas, as if their leases had expired."""
        rows = await session.fetch(
            "SELECT name FROM flyte_slack.lanes WHERE is_active AND holder = ANY(%s) ORDER BY name FOR UPDATE",
            (list(holders),),
        )
        await settle(session, [name for (name,) in rows], have_expired=True)

    async def _renew_old_leases(self, claims: Sequence[Claim], lease_seconds: float) -> None:
        await self.database.renew(
            "UPDATE flyte_slack.lanes AS lane SET lease_until = now + %(lease)s FROM flyte_slack.clock, "
            "unnest(%(names)s::text[], %(tokens)s::bigint[]) AS held (name, token) WHERE lane.name = held.name "
            "AND lane.token = held.token AND lease_until < now + %(lease)s / 2 RETURNING lane.name",
            {
                "lease": micros_of(lease_seconds),
                "names": [claim.lane for claim in claims],
                "tokens": [claim.lease.token for claim in claims],
            },
        )

    @transaction
    async def _claim(
        self, session: Session, lanes: int, entries: int, lease_seconds: float, min_priority: int
    ) -> list[Claim]:
        names = await _lock_due(session, lanes, min_priority)
        parameters = {
            "entries": entries,
            "kinds": _KINDS,
            "holder": self._replicas.own_id,
            "lease": micros_of(lease_seconds),
        }
        claims: list[Claim] = []
        while names:
            rows = await session.fetch(_CLAIM, {**parameters, "names": names})
            new = [await _load_claim(session, list(lane)) for _, lane in groupby(rows, key=itemgetter(0))]
            claims += [claim for claim in new if claim.entries]
            claimed = {claim.lane for claim in claims}
            await settle(session, [name for name in names if name not in claimed])
            names = [claim.lane for claim in new if not claim.entries]  # more may wait behind unreadable ones
        return claims


async def settle(
    session: Session, lanes: Sequence[Lane], *, have_expired: bool = False, delay_seconds: float = 0
) -> None:
    """Ends the claims, if any, of lanes that the transaction has locked, and finds their first entries."""
    if lanes:
        parameters = {"names": list(lanes), "have_expired": have_expired, "delay": micros_of(delay_seconds)}
        await session.send(_SETTLE, parameters)


async def load_or_set_aside(session: Session, row: TupleRow) -> OutboxEntry | None:
    """Returns a waiting entry. Makes it a dead letter if it is unreadable, and returns None.

    The transaction has locked its lane.
    """
    try:
        return load_entry(row)
    except Unreadable as error:
        problem = str(error)
    place, key, *_ = row
    await session.send(_SET_ASIDE, (f"unreadable: {problem}", place))
    log.error("unreadable_set_aside", queue="outbox", ref=key, reason=problem)
    return None


async def _lock_due(session: Session, limit: int, min_priority: int) -> list[Lane]:
    """Locks lanes that can be claimed now. Raises _NothingDue."""
    parameters = (min_priority, _KINDS, limit)
    [(expired, no_longer_delayed, due)] = await session.fetch(_LOCK_DUE, parameters)
    if expired or no_longer_delayed:
        await settle(session, expired, have_expired=True)
        await session.send(_END_DELAYS, (no_longer_delayed,))
        [(_, _, due)] = await session.fetch(_LOCK_DUE, parameters)
    elif not due:
        raise _NothingDue
    return [Lane(name) for name in due]


async def _load_claim(session: Session, rows: Rows) -> Claim:
    """Returns the claim of a lane, without its unreadable entries, which are set aside."""
    readable = [(row, entry) for row in rows if (entry := await load_or_set_aside(session, row[4:])) is not None]
    lane, token, rejected_for, in_doubt, place, *_ = readable[0][0] if readable else rows[0]
    return Claim(
        Lease(Lane(lane), token),
        tuple(entry for _, entry in readable),
        previous_lease_expired=place == in_doubt,
        rejected_seconds=(rejected_for or 0) / 1_000_000,
    )
