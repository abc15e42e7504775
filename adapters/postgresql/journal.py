"""The journal of all replicas: a row for each action, with its owner, and a row for each of its steps.

Times are microseconds since 1970; ages are measured in uptime. A place is taken from a sequence under the lane's lock,
so that within a lane the order of places is the order of recording.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.postgresql.database import Database, transaction
from adapters.postgresql.journal_entries import (
    ENTRIES,
    dead_letter_of,
    entry_of,
    finish,
    set_unreadable_aside,
    store_step,
)
from adapters.postgresql.leases import REMAINING, PostgresLeases
from adapters.postgresql.ownership import release_lost
from adapters.postgresql.poll_sessions import PollSessions
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Session
from adapters.postgresql.uptime import NOW, SECOND, purge
from adapters.postgresql.wakeups import Wakeups
from adapters.sql.codec import Unreadable, dump_action_command, dump_outcome, from_micros, is_time, to_micros
from adapters.sql.journal_rows import UNFINISHED, dump_step, load_step, resumed_state, without_content
from application.catalog.secrecy import is_same_command
from application.ports.clock import Clock
from application.ports.storage import Topic
from domain.action_states import begin, check_transition, complete, undo_begin
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName, StepResult
from domain.commands import command_name
from domain.errors import LeaseLost
from domain.events import Outcome
from domain.outbox import Backlog, Lane, Lease

_PAGE_SIZE = 100

_INSERT = f"""WITH locked AS (
        INSERT INTO flyte_slack.action_lanes (name) VALUES (%s)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name
    )
    INSERT INTO flyte_slack.journal (id, lane, command_name, command, state, owner, taken_at, traceparent, uptime)
    SELECT %s, name, %s, %s, 'taken', %s, %s, %s, {NOW} FROM locked ON CONFLICT (id) DO NOTHING RETURNING true"""
"""Locks the lane before it takes a place."""

_LOCK_STEP = f"""WITH entry AS MATERIALIZED (
        SELECT state, owner, lane, place FROM flyte_slack.journal WHERE id = %(action_id)s FOR NO KEY UPDATE
    ), lease AS MATERIALIZED ({REMAINING} FOR SHARE OF lane)
    SELECT entry.*, remaining, action IS NOT NULL, begun_at, result, error FROM entry LEFT JOIN lease ON true
    LEFT JOIN flyte_slack.steps ON action = place AND name = %(name)s"""
"""Reads an action and one of its steps. Until the end of the transaction neither the action nor the lane changes."""

_ORPHANS = f"""WITH others AS MATERIALIZED (
        SELECT commands FROM flyte_slack.replicas WHERE id <> %(me)s AND alive_until > {NOW}
    ), known_to_others AS MATERIALIZED (
        SELECT unnest(commands) AS name FROM others
        EXCEPT SELECT unnest(commands) FROM flyte_slack.replicas WHERE id = %(me)s
    ) SELECT place FROM flyte_slack.journal WHERE owner IS NULL AND {UNFINISHED}
    AND command_name NOT IN (SELECT name FROM known_to_others)
    AND (given_back_by IS DISTINCT FROM %(me)s OR NOT EXISTS (SELECT FROM others))
    ORDER BY place LIMIT %(limit)s"""
"""Commands that only other replicas know are left to them."""

_COUNTED = 10_000
_COUNT = f"""(
        SELECT CASE WHEN counted < {_COUNTED} THEN counted ELSE greatest(counted, estimate) END FROM (
            SELECT count(*) AS counted FROM (
                SELECT FROM flyte_slack.journal WHERE {{condition}} LIMIT {_COUNTED}
            ) AS first
        ) AS exact, (
            SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = 'flyte_slack.{{index}}'::regclass
        ) AS statistics
    )"""
"""The number of actions, exact below the limit; above it the server's latest estimate."""
_BACKLOG = f"""SELECT
        {_COUNT.format(condition=UNFINISHED, index="journal_unreported")},
        {_COUNT.format(condition="state = 'set aside'", index="journal_dead_letters")},
        taken_at, {NOW} - uptime
    FROM (VALUES (true)) AS one LEFT JOIN (
        SELECT taken_at, uptime FROM flyte_slack.journal WHERE {UNFINISHED} ORDER BY place LIMIT 1
    ) AS oldest ON true"""


class PostgresJournal(PollSessions):
    """Implements Journal."""

    def __init__(
        self, database: Database, clock: Clock, replicas: PostgresReplicas, leases: PostgresLeases, wakeups: Wakeups
    ) -> None:
        super().__init__(database, clock, replicas)
        self._leases = leases
        self._wakeups = wakeups
        self._recording = asyncio.Lock()
        """Keeps the order of the calls."""

    async def record(self, action: Action, *, lane: Lane, at: datetime | None = None) -> JournalEntry | None:
        async with self._recording:
            return await self._record(action, lane, at or self._clock.now())

    @transaction
    async def plan_steps(self, session: Session, action_id: ActionId, names: Sequence[StepName]) -> None:
        row = await self._locked(session, action_id, "planned")
        planned, known = list(dict.fromkeys(names)), list(entry_of(row).steps)
        if known and known != planned:
            raise ValueError(f"action {action_id} is planned already, otherwise")
        await session.send(
            "INSERT INTO flyte_slack.steps (action, name, position) "
            "SELECT %s, name, position FROM unnest(%s::text[]) WITH ORDINALITY AS step (name, position) "
            "ON CONFLICT DO NOTHING",
            (row[0], planned),
        )
        await session.send("UPDATE flyte_slack.journal SET state = 'executing' WHERE place = %s", (row[0],))

    @transaction
    async def begin_step(
        self, session: Session, action_id: ActionId, name: StepName, lease: Lease, *, at: datetime | None = None
    ) -> datetime:
        begun_at = at or self._clock.now()
        place, step = await self._locked_step(session, action_id, name, lease, "begun")
        begun = begin(step, begun_at)
        await session.send(
            "WITH entry AS (UPDATE flyte_slack.journal SET state = 'executing' WHERE place = %s AND state = 'taken') "
            "INSERT INTO flyte_slack.steps (action, name, position, begun_at, result, error) "
            "SELECT %s, %s, count(*) + 1, %s, %s, %s FROM flyte_slack.steps WHERE action = %s "
            "ON CONFLICT (action, name) DO UPDATE SET begun_at = excluded.begun_at",
            (place, place, name, *dump_step(begun), place),
        )
        return begun.begun_at or begun_at

    @transaction
    async def undo_begin_step(self, session: Session, action_id: ActionId, name: StepName, lease: Lease) -> None:
        place, step = await self._locked_step(session, action_id, name, lease, "retracted")
        await store_step(session, place, name, undo_begin(step))

    @transaction
    async def complete_step(
        self,
        session: Session,
        action_id: ActionId,
        name: StepName,
        lease: Lease,
        *,
        result: StepResult | None = None,
        error: str = "",
    ) -> None:
        place, step = await self._locked_step(session, action_id, name, lease, "settled")
        await store_step(session, place, name, complete(step, result, error))

    async def set_outcome(self, action_id: ActionId, outcome: Outcome) -> datetime:
        completed_at = await self._set_outcome(action_id, outcome)
        self._wakeups.announce(Topic.LANES)
        return completed_at

    @transaction
    async def mark_reported(self, session: Session, action_id: ActionId) -> None:
        await finish(session, await self._locked(session, action_id, "finished"))

    @transaction
    async def dead_letter(self, session: Session, action_id: ActionId, reason: str) -> None:
        place, *_ = await self._locked(session, action_id, "set aside")
        await session.send(
            "UPDATE flyte_slack.journal SET state = 'set aside', reason = %s WHERE place = %s", (reason, place)
        )

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        await release_lost(self.database, self._replicas.own_id)
        entries: list[JournalEntry] = []
        while not entries and await self.database.fetch(_ORPHANS, {"me": self._replicas.own_id, "limit": 1}):
            entries = await self._claim_orphans(limit)
        return entries

    async def give_back(self, action_id: ActionId) -> None:
        rows = await self.database.fetch(
            f"UPDATE flyte_slack.journal SET owner = NULL, given_back_by = owner WHERE id = %s AND owner = %s "
            f"AND {UNFINISHED} RETURNING true",
            (action_id, self._replicas.own_id),
        )
        if not rows:
            raise LeaseLost(f"the action {action_id}")
        self._wakeups.announce(Topic.JOURNAL)

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        rows = await self.database.fetch(f"{ENTRIES} WHERE id = %s", (action_id,))
        return dead_letter_of(rows[0]) if rows else None

    async def backlog(self) -> Backlog:
        [(unreported, dead_lettered, taken_at, waited)] = await self.database.fetch(_BACKLOG)
        oldest_at = from_micros(taken_at) if is_time(taken_at) else None
        return Backlog(unreported, dead_lettered, oldest_at, max(0.0, (waited or 0) / SECOND))

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[JournalEntry]:
        """An unreadable action is shown as a dead letter; it becomes one when it is claimed."""
        chosen, after = "state = 'set aside'" if dead_lettered else UNFINISHED, 0
        query = f"{ENTRIES} WHERE {chosen} AND place > %s ORDER BY place LIMIT %s"
        while rows := await self.database.fetch(query, (after, _PAGE_SIZE)):
            for row in rows:
                yield dead_letter_of(row)
            after = rows[-1][0]

    async def requeue(self, action_id: ActionId) -> bool:
        is_requeued = await self._requeue(action_id)
        self._wakeups.announce(Topic.JOURNAL)
        return is_requeued

    async def discard(self, action_id: ActionId) -> bool:
        await release_lost(self.database, self._replicas.own_id)
        return await self._discard(action_id)

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, "journal", "place", older_than, condition="state = 'finished'")

    @transaction
    async def _record(self, session: Session, action: Action, lane: Lane, at: datetime) -> JournalEntry | None:
        command = dump_action_command(action.command)
        named = (lane, action.id, command_name(action.command), command)
        values = (*named, self._replicas.own_id, to_micros(at), action.trace_parent)
        if await session.fetch(_INSERT, values):
            return None
        known = await self._find(session, action.id)
        if known is not None:
            if known.state is not ActionState.REPORTED or is_same_command(known.action.command, action.command):
                return known
            await session.send("DELETE FROM flyte_slack.journal WHERE id = %s AND state = 'finished'", (action.id,))
        return None if await session.fetch(_INSERT, values) else await self._find(session, action.id)

    @transaction
    async def _set_outcome(self, session: Session, action_id: ActionId, outcome: Outcome) -> datetime:
        completed_at = self._clock.now()
        place, _, _, _, command, *_ = await self._locked(session, action_id, "concluded")
        await session.send(
            "UPDATE flyte_slack.journal SET state = 'concluded', outcome = %s, completed_at = %s, "
            "command = coalesce(%s, command) WHERE place = %s",
            (dump_outcome(outcome), to_micros(completed_at), without_content(command), place),
        )
        return completed_at

    @transaction
    async def _requeue(self, session: Session, action_id: ActionId) -> bool:
        rows = await session.fetch(
            f"UPDATE flyte_slack.journal SET place = DEFAULT, state = {resumed_state('flyte_slack.steps')}, "
            f"owner = NULL, uptime = {NOW}, reason = '' WHERE id = %s AND state = 'set aside' RETURNING true",
            (action_id,),
        )
        return bool(rows)

    @transaction
    async def _claim_orphans(self, session: Session, limit: int) -> list[JournalEntry]:
        """Returns those that are readable."""
        rows = await session.fetch(
            f"UPDATE flyte_slack.journal SET owner = %(me)s "
            f"WHERE place = ANY(ARRAY({_ORPHANS} FOR NO KEY UPDATE SKIP LOCKED)) RETURNING place",
            {"me": self._replicas.own_id, "limit": limit},
        )
        places = [place for (place,) in rows]
        entries = []
        for row in await session.fetch(f"{ENTRIES} WHERE place = ANY(%s) ORDER BY place", (places,)):
            try:
                entries.append(entry_of(row))
            except Unreadable as error:
                await set_unreadable_aside(session, row, str(error))
        return entries

    @transaction
    async def _discard(self, session: Session, action_id: ActionId) -> bool:
        rows = await session.fetch(
            f"{ENTRIES} WHERE id = %s AND (state = 'set aside' OR (owner IS NULL AND {UNFINISHED})) "
            "FOR NO KEY UPDATE OF entry",
            (action_id,),
        )
        for row in rows:
            await finish(session, row)
        return bool(rows)

    async def _find(self, session: Session, action_id: ActionId) -> JournalEntry | None:
        rows = await session.fetch(f"{ENTRIES} WHERE id = %s", (action_id,))
        return dead_letter_of(rows[0]) if rows else None

    async def _locked(self, session: Session, action_id: ActionId, transition: str) -> Sequence[Any]:
        """Locks an action that may make the transition, and returns its row of ENTRIES.

        Raises ValueError, and LeaseLost if another replica owns it.
        """
        rows = await session.fetch(f"{ENTRIES} WHERE id = %s FOR NO KEY UPDATE OF entry", (action_id,))
        _, _, state, *_, owner, lane = rows[0] if rows else (None,) * 5
        self._check(action_id, transition, state, owner, lane)
        return rows[0]

    async def _locked_step(
        self, session: Session, action_id: ActionId, name: StepName, lease: Lease, transition: str
    ) -> tuple[int, Step | None]:
        """Locks an action as `_locked` does, and its lane. Returns the action's place, and the step if it is known.

        Raises LeaseLost also if the lease is lost.
        """
        rows = await session.fetch(_LOCK_STEP, {"action_id": action_id, "name": name, **self._leases.values(lease)})
        state, owner, lane, place, remaining, is_known, *step = rows[0] if rows else (None,) * 6
        self._check(action_id, transition, state, owner, lane)
        if remaining is None:
            raise LeaseLost(lease.lane)
        if self._leases.is_late(remaining):
            await self._replicas.heartbeat_in(session)
        return place, load_step(step) if is_known else None

    def _check(self, action_id: ActionId, transition: str, state: str | None, owner: int | None, lane: str) -> None:
        """Raises LeaseLost if another replica owns the action, and ValueError if it may not make the transition."""
        if owner not in (None, self._replicas.own_id):
            raise LeaseLost(lane)
        check_transition(action_id, transition, ActionState(state) if state else None)
