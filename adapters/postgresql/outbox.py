"""The outbox in PostgreSQL. Times of day are microseconds since 1970; what is measured is measured in uptime."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

from psycopg.rows import TupleRow

from adapters.postgresql.acks import Acks
from adapters.postgresql.claims import ENTRY, PostgresClaims, load_or_set_aside, settle
from adapters.postgresql.connections import Undone
from adapters.postgresql.database import Database, transaction
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Session
from adapters.postgresql.uptime import purge
from adapters.postgresql.wakeups import Wakeups
from adapters.sql.codec import Unreadable, dump_event, from_micros, is_time, to_micros
from adapters.sql.outbox_rows import load_dead_letter, load_entry, message_micros
from application.ports.clock import Clock
from application.ports.storage import Topic
from domain.channels import ChannelId
from domain.errors import LeaseLost
from domain.outbox import Backlog, Claim, Lane, OutboxEntry

_PAGE_SIZE: Final = 200
_ADD_LANES: Final = """
    INSERT INTO flyte_slack.lanes (name, priority, token)
    SELECT name, priority, now FROM unnest(%s::text[], %s::smallint[]) AS given (name, priority), flyte_slack.clock
    ORDER BY name COLLATE "C" ON CONFLICT DO NOTHING
"""
"""Tokens start at the uptime, so that they grow even if an earlier row of the lane was deleted."""
_LOCK_LANES: Final = "SELECT name FROM flyte_slack.lanes WHERE name = ANY(%s) ORDER BY name FOR UPDATE"
"""Always in the same order, which rules out deadlocks."""
_APPEND: Final = """
    WITH clock AS MATERIALIZED (SELECT now FROM flyte_slack.clock),
    given AS MATERIALIZED (
        SELECT * FROM unnest(
            %(keys)s::text[], %(lanes)s::text[], %(kinds)s::text[], %(times)s::bigint[], %(are_backfilled)s::boolean[],
            %(events)s::text[], %(written)s::bigint[], %(channels)s::text[], %(traces)s::text[]
        ) WITH ORDINALITY AS given (
            key, lane, kind, received_at, is_backfilled, event, written_at, channel, traceparent, position
        )
    ),
    new AS (
        INSERT INTO flyte_slack.outbox (key, lane, kind, received_at, is_backfilled, event, uptime, traceparent)
        SELECT key, lane, kind, received_at, is_backfilled, event, now, traceparent FROM given, clock
        WHERE NOT EXISTS (SELECT FROM flyte_slack.recognised_keys AS known WHERE known.key = given.key)
            AND (channel IS NULL OR EXISTS (
                SELECT FROM flyte_slack.joined WHERE channel_id = channel AND joined.position IS NOT NULL
            ))
        ORDER BY given.position ON CONFLICT DO NOTHING RETURNING place, key, lane, kind
    ),
    added AS (
        SELECT new.lane, count(*) AS number, min(place) AS first, max(written_at) AS written_at,
            (array_agg(new.kind ORDER BY place))[1] AS kind
        FROM new JOIN given USING (key) GROUP BY new.lane
    ),
    changed AS (
        UPDATE flyte_slack.lanes AS lane SET
            is_active = true, waiting = waiting + number, head = coalesce(head, first),
            head_at = CASE WHEN head IS NULL THEN now ELSE head_at END,
            head_kind = CASE WHEN head IS NULL THEN kind ELSE head_kind END,
            heard_to = greatest(heard_to, nullif(written_at, 0)), uptime = now
        FROM added, clock WHERE lane.name = added.lane
    )
    SELECT key FROM new
"""
_LOCK_UNCLAIMED: Final = "SELECT name FROM flyte_slack.lanes WHERE name = %s AND claimed_to IS NULL FOR UPDATE"
_LATEST: Final = "SELECT name, claimed_to FROM flyte_slack.lanes WHERE name = %s AND token = %s FOR UPDATE"
_DEAD_LETTER: Final = f"""
    WITH latest AS MATERIALIZED ({_LATEST}),
    aside AS (
        UPDATE flyte_slack.outbox SET state = 'set aside', reason = %s FROM latest
        WHERE key = %s AND lane = name AND state = 'waiting' RETURNING lane
    ),
    counted AS (
        UPDATE flyte_slack.lanes AS lane SET dead_lettered = dead_lettered + 1,
            waiting = waiting - (latest.claimed_to IS NULL)::int
        FROM aside, latest WHERE lane.name = aside.lane
    )
    SELECT claimed_to IS NULL FROM latest
"""
_BACKLOG: Final = """
    WITH active AS MATERIALIZED (
        SELECT name, head, head_at, claimed, claimed_to, waiting FROM flyte_slack.lanes WHERE is_active
    ),
    oldest AS (
        SELECT received_at, now - first.uptime AS waited FROM (
            SELECT name, head FROM active WHERE claimed > 0
            UNION ALL (SELECT name, head FROM active WHERE claimed = 0 ORDER BY head_at, head LIMIT 1)
        ) AS candidates CROSS JOIN LATERAL (
            SELECT place, received_at, uptime FROM flyte_slack.outbox
            WHERE lane = name AND state = 'waiting' AND place >= head ORDER BY place LIMIT 1
        ) AS first, flyte_slack.clock ORDER BY first.uptime, place LIMIT 1
    )
    SELECT (SELECT coalesce(sum(waiting - claimed), 0) FROM active),
        (SELECT count(*) FROM active JOIN flyte_slack.outbox ON lane = name AND state = 'waiting'
            AND place BETWEEN head AND claimed_to WHERE claimed > 0),
        (SELECT coalesce(sum(dead_lettered), 0) FROM flyte_slack.lanes WHERE dead_lettered > 0),
        (SELECT received_at FROM oldest), (SELECT waited FROM oldest)
"""
_REQUEUE: Final = """
    WITH requeued AS (
        UPDATE flyte_slack.outbox SET state = 'waiting', place = DEFAULT, uptime = now, rejections = 0,
            first_rejected_at = NULL, rejected_uptime = NULL, reason = ''
        FROM flyte_slack.clock WHERE key = %s AND state = 'set aside' RETURNING lane, place, outbox.uptime, kind
    ),
    changed AS (
        UPDATE flyte_slack.lanes AS lane SET
            is_active = true, dead_lettered = dead_lettered - 1, waiting = waiting + 1, head = coalesce(head, place),
            head_at = CASE WHEN head IS NULL THEN requeued.uptime ELSE head_at END,
            head_kind = CASE WHEN head IS NULL THEN kind ELSE head_kind END
        FROM requeued WHERE name = requeued.lane
    )
    SELECT place FROM requeued
"""
_DISCARD: Final = """
    WITH discarded AS (
        DELETE FROM flyte_slack.outbox USING flyte_slack.lanes
        WHERE key = %s AND name = lane AND (state = 'set aside' OR claimed_to IS NULL OR place > claimed_to)
        RETURNING key, lane, state
    ),
    changed AS (
        UPDATE flyte_slack.lanes SET waiting = waiting - (state = 'waiting')::int,
            dead_lettered = dead_lettered - (state = 'set aside')::int
        FROM discarded WHERE name = lane
    ),
    known AS (
        INSERT INTO flyte_slack.recognised_keys SELECT key, now FROM discarded, flyte_slack.clock
        ON CONFLICT DO NOTHING
    )
    SELECT key FROM discarded
"""
_PAGE: Final = f"SELECT {ENTRY} FROM flyte_slack.outbox WHERE state = %s AND place > %s ORDER BY place LIMIT %s"


class PostgresOutbox(PostgresClaims):
    """Implements Outbox."""

    def __init__(self, database: Database, clock: Clock, replicas: PostgresReplicas, wakeups: Wakeups) -> None:
        super().__init__(database, clock, replicas, wakeups)
        self._acks = Acks(database)

    async def finish(self) -> None:
        """Returns once no entry is being removed any more."""
        await self._acks.finish()

    async def append(
        self,
        entries: Sequence[OutboxEntry],
        *,
        within_seconds: float | None = None,
        only_if_joined: Collection[ChannelId] = (),
    ) -> list[bool]:
        if not entries:
            return []
        positions = {entry.key: position for position, entry in reversed(list(enumerate(entries)))}
        first = [entry for position, entry in enumerate(entries) if positions[entry.key] == position]
        new = await self.database.run(
            lambda session: _append(session, first, only_if_joined), within_seconds=within_seconds
        )
        self._wakeups.wake(Topic.OUTBOX)  # also after repeats: no other replica could claim the lanes meanwhile
        if new:
            self._wakeups.announce(Topic.OUTBOX)
        return [entry.key in new and positions[entry.key] == position for position, entry in enumerate(entries)]

    async def ack(self, claim: Claim, entry: OutboxEntry, *, releases: bool = False) -> None:
        if await self._acks.ack(claim, entry):
            await self._settle_unless_claimed(claim.lane)
        elif releases:
            with suppress(LeaseLost):
                await self.release(claim)

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        rows = await self.database.fetch(_DEAD_LETTER, (claim.lane, claim.lease.token, reason, entry.key))
        if not rows:
            raise LeaseLost(claim.lane)
        [(has_ended,)] = rows
        if has_ended:
            await self._settle_unless_claimed(claim.lane)

    async def backlog(self) -> Backlog:
        [(unclaimed, claimed, dead_lettered, received_at, waited)] = await self.database.fetch(_BACKLOG)
        backlog = Backlog(int(unclaimed) + claimed, int(dead_lettered))
        if waited is None:
            return backlog
        oldest_at = from_micros(received_at) if is_time(received_at) else None
        return replace(backlog, oldest_at=oldest_at, oldest_waited_seconds=max(0, waited) / 1_000_000)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[OutboxEntry]:
        state, after = ("set aside" if dead_lettered else "waiting"), 0
        while rows := await self.database.fetch(_PAGE, (state, after, _PAGE_SIZE)):
            for row in rows:
                entry = load_dead_letter(row) if dead_lettered else await self._readable(row)
                if entry is not None:
                    yield entry
            after = rows[-1][0]

    async def requeue(self, key: str) -> bool:
        is_requeued = await self._requeue(key)
        self._wakeups.announce(Topic.OUTBOX)
        return is_requeued

    @transaction
    async def discard(self, session: Session, key: str) -> bool:
        lane = await _lock_lane_of(session, key)
        is_discarded = bool(await session.fetch(_DISCARD, (key,)))
        if lane and not lane.is_claimed:
            await settle(session, [lane.name])
        return is_discarded

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, "recognised_keys", "key", older_than)

    @transaction
    async def _requeue(self, session: Session, key: str) -> bool:
        await _lock_lane_of(session, key)
        return bool(await session.fetch(_REQUEUE, (key,)))

    @transaction
    async def _settle_unless_claimed(self, session: Session, lane: Lane) -> None:
        await settle(session, [lane for (lane,) in await session.fetch(_LOCK_UNCLAIMED, (lane,))])

    async def _readable(self, row: TupleRow) -> OutboxEntry | None:
        """Returns a waiting entry. Makes it a dead letter if it is unreadable, and returns None."""
        try:
            return load_entry(row)
        except Unreadable:
            await self._set_aside(row)
            return None

    @transaction
    async def _set_aside(self, session: Session, row: TupleRow) -> None:
        lane = await _lock_lane_of(session, row[1])
        await load_or_set_aside(session, row)
        if lane and not lane.is_claimed:
            await settle(session, [lane.name])


class _LockedLane(NamedTuple):
    name: Lane
    is_claimed: bool


async def _append(session: Session, entries: Sequence[OutboxEntry], only_if_joined: Collection[ChannelId]) -> set[str]:
    """Returns the keys that are new."""
    priorities = {entry.lane: entry.priority for entry in entries}
    lanes = sorted(priorities)
    if len(await session.fetch(_LOCK_LANES, (lanes,))) < len(lanes):
        await session.send(_ADD_LANES, (lanes, [priorities[lane] for lane in lanes]))
        if len(await session.fetch(_LOCK_LANES, (lanes,))) < len(lanes):
            raise Undone  # one was forgotten just now, since it had been silent for days
    channels = [entry.event.channel_id for entry in entries]
    rows = await session.fetch(
        _APPEND,
        {
            "keys": [entry.key for entry in entries],
            "lanes": [entry.lane for entry in entries],
            "kinds": [entry.kind.value for entry in entries],
            "times": [to_micros(entry.received_at) for entry in entries],
            "are_backfilled": [entry.is_backfilled for entry in entries],
            "events": [dump_event(entry.event) for entry in entries],
            "written": [message_micros(entry) for entry in entries],
            "channels": [channel if channel in only_if_joined else None for channel in channels],
            "traces": [entry.trace_parent for entry in entries],
        },
    )
    return {key for (key,) in rows}


async def _lock_lane_of(session: Session, key: str) -> _LockedLane | None:
    """Locks the lane of an entry; None if there is no such entry."""
    rows = await session.fetch(
        "SELECT name, claimed_to IS NOT NULL FROM flyte_slack.lanes "
        "WHERE name = (SELECT lane FROM flyte_slack.outbox WHERE key = %s) FOR UPDATE",
        (key,),
    )
    return _LockedLane(*rows[0]) if rows else None
