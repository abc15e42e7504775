"""The journal in SQLite: a row for each action, and a row for each of its steps.

Times are microseconds since 1970; ages are measured in uptime.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from adapters.filesystem.ages import purge, with_oldest
from adapters.filesystem.database import Database, transaction
from adapters.filesystem.journal_entries import (
    ENTRY,
    dead_letter_of,
    entry_of,
    forget_capabilities,
    forget_content,
    set_unreadable_aside,
    step_of,
    step_rows,
    store_step,
)
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import Unreadable, dump_action_command, dump_outcome, from_micros, to_micros
from adapters.sql.journal_rows import UNFINISHED, Row, resumed_state
from application.catalog.secrecy import is_same_command
from application.ports.clock import Clock
from domain.action_states import begin, check_transition, complete, undo_begin
from domain.actions import Action, ActionId, ActionState, JournalEntry, StepName, StepResult
from domain.events import Outcome
from domain.outbox import Backlog, Lane, Lease

_PAGE_SIZE = 100
_BEFORE_ALL = (-(2**62), 0)


class FileJournal:
    """Implements Journal."""

    def __init__(self, database: Database, clock: Clock, uptime: Uptime) -> None:
        self.database = database
        self._clock = clock
        self._uptime = uptime

    @transaction
    def open_poll_session(self, connection: sqlite3.Connection, at: datetime | None = None) -> datetime | None:
        at = at or self._clock.now()
        earlier = connection.execute("SELECT since FROM taking").fetchone()
        if earlier is None:
            connection.execute("INSERT INTO taking VALUES (?)", (to_micros(at),))
        return None if earlier is None else min(at, from_micros(earlier[0]))

    @transaction
    def close_poll_session(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM taking")

    async def abandoned_poll_session(self) -> datetime | None:
        return None

    @transaction
    def record(
        self, connection: sqlite3.Connection, action: Action, *, lane: Lane, at: datetime | None = None
    ) -> JournalEntry | None:
        del lane  # only the process itself executes the actions of a lane
        known = self._load(connection, action.id)
        if known is not None and (
            known.state is not ActionState.REPORTED or is_same_command(known.action.command, action.command)
        ):
            return known
        connection.execute("DELETE FROM journal WHERE id = ?", (action.id,))
        connection.execute(
            "INSERT INTO journal (id, state, in_hand, taken_at, command, uptime, traceparent) "
            "VALUES (?, 'taken', 1, ?, ?, ?, ?)",
            (
                action.id,
                to_micros(at or self._clock.now()),
                dump_action_command(action.command),
                self._uptime.now(),
                action.trace_parent,
            ),
        )
        return None

    @transaction
    def plan_steps(self, connection: sqlite3.Connection, action_id: ActionId, names: Sequence[StepName]) -> None:
        place = _checked(connection, action_id, "planned")
        planned = list(dict.fromkeys(names))
        known = [name for name, *_ in step_rows(connection, place)]
        if known and known != planned:
            raise ValueError(f"action {action_id} is planned already, otherwise")
        if not known:
            connection.executemany(
                "INSERT INTO steps (action, name, position) VALUES (?, ?, ?)",
                [(place, name, position) for position, name in enumerate(planned)],
            )
        _set_executing(connection, place)

    @transaction
    def begin_step(
        self,
        connection: sqlite3.Connection,
        action_id: ActionId,
        name: StepName,
        lease: Lease,
        *,
        at: datetime | None = None,
    ) -> datetime:
        del lease  # only this process can use the directory
        place = _checked(connection, action_id, "begun")
        begun_at = at or self._clock.now()
        step = begin(step_of(connection, place, name), begun_at)
        store_step(connection, place, name, step)
        _set_executing(connection, place)
        return step.begun_at or begun_at

    @transaction
    def undo_begin_step(
        self, connection: sqlite3.Connection, action_id: ActionId, name: StepName, lease: Lease
    ) -> None:
        del lease
        place = _checked(connection, action_id, "retracted")
        store_step(connection, place, name, undo_begin(step_of(connection, place, name)))

    @transaction
    def complete_step(
        self,
        connection: sqlite3.Connection,
        action_id: ActionId,
        name: StepName,
        lease: Lease,
        *,
        result: StepResult | None = None,
        error: str = "",
    ) -> None:
        del lease
        place = _checked(connection, action_id, "settled")
        store_step(connection, place, name, complete(step_of(connection, place, name), result, error))

    @transaction
    def set_outcome(self, connection: sqlite3.Connection, action_id: ActionId, outcome: Outcome) -> datetime:
        completed_at, place = self._clock.now(), _checked(connection, action_id, "concluded")
        connection.execute(
            "UPDATE journal SET state = 'concluded', outcome = ?, concluded_at = ? WHERE place = ?",
            (dump_outcome(outcome), to_micros(completed_at), place),
        )
        if forget_content(connection, place):
            self.database.empty_log_soon()
        return completed_at

    @transaction
    def mark_reported(self, connection: sqlite3.Connection, action_id: ActionId) -> None:
        self._finish(connection, _checked(connection, action_id, "finished"))

    @transaction
    def dead_letter(self, connection: sqlite3.Connection, action_id: ActionId, reason: str) -> None:
        connection.execute(
            "UPDATE journal SET state = 'set aside', in_hand = 0, reason = ? WHERE place = ?",
            (reason, _checked(connection, action_id, "set aside")),
        )

    @transaction
    def claim_orphans(self, connection: sqlite3.Connection, limit: int) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        while not entries and (
            rows := connection.execute(
                f"SELECT {ENTRY} FROM journal WHERE in_hand = 0 AND {UNFINISHED} ORDER BY uptime, place LIMIT ?",
                (limit,),
            ).fetchall()
        ):
            connection.executemany("UPDATE journal SET in_hand = 1 WHERE place = ?", [(row[0],) for row in rows])
            entries = [entry for row in rows if (entry := self._entry(connection, row)) is not None]
        return entries

    @transaction
    def give_back(self, connection: sqlite3.Connection, action_id: ActionId) -> None:
        connection.execute(f"UPDATE journal SET in_hand = 0 WHERE id = ? AND {UNFINISHED}", (action_id,))

    @transaction
    def load(self, connection: sqlite3.Connection, action_id: ActionId) -> JournalEntry | None:
        return self._load(connection, action_id)

    @transaction
    def backlog(self, connection: sqlite3.Connection) -> Backlog:
        counts = dict(connection.execute("SELECT state, rows FROM tallies WHERE kind = 'journal'"))
        unreported = sum(counts.get(state, 0) for state in ("taken", "executing", "concluded"))
        oldest = connection.execute(
            f"SELECT taken_at, uptime FROM journal WHERE {UNFINISHED} ORDER BY uptime, place LIMIT 1"
        ).fetchone()
        return with_oldest(Backlog(unreported, counts.get("set aside", 0)), oldest, self._uptime)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[JournalEntry]:
        after = _BEFORE_ALL
        while page := await self._page(after, dead_lettered=dead_lettered):
            for _, entry in page:
                if entry is not None:
                    yield entry
            after = page[-1][0]

    @transaction
    def requeue(self, connection: sqlite3.Connection, action_id: ActionId) -> bool:
        return bool(
            connection.execute(
                f"UPDATE journal SET state = {resumed_state('steps')}, uptime = ?, reason = '' "
                "WHERE id = ? AND state = 'set aside'",
                (self._uptime.now(), action_id),
            ).rowcount
        )

    @transaction
    def discard(self, connection: sqlite3.Connection, action_id: ActionId) -> bool:
        row = connection.execute(
            "SELECT place FROM journal WHERE id = ? AND in_hand = 0 AND state <> 'finished'", (action_id,)
        ).fetchone()
        if row is None:
            return False
        self._finish(connection, row[0])
        return True

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, self._uptime, "journal", "place", older_than, condition="state = 'finished'")

    @transaction
    def _page(
        self, connection: sqlite3.Connection, after: tuple[int, int], *, dead_lettered: bool
    ) -> list[tuple[tuple[int, int], JournalEntry | None]]:
        """Returns the next entries by age, each with its position; None for one that was unreadable."""
        chosen = "state = 'set aside'" if dead_lettered else UNFINISHED
        rows = connection.execute(
            f"SELECT uptime, {ENTRY} FROM journal WHERE {chosen} AND (uptime, place) > (?, ?) "
            "ORDER BY uptime, place LIMIT ?",
            (*after, _PAGE_SIZE),
        ).fetchall()
        if dead_lettered:
            return [((uptime, row[0]), dead_letter_of(connection, row)) for uptime, *row in rows]
        return [((uptime, row[0]), self._entry(connection, row)) for uptime, *row in rows]

    def _load(self, connection: sqlite3.Connection, action_id: ActionId) -> JournalEntry | None:
        """Returns an action; a dead letter if it is unreadable."""
        row = connection.execute(f"SELECT {ENTRY} FROM journal WHERE id = ?", (action_id,)).fetchone()
        if row is None:
            return None
        return self._entry(connection, row) or dead_letter_of(connection, row)

    def _entry(self, connection: sqlite3.Connection, row: Row) -> JournalEntry | None:
        """Returns an action. Sets it aside if it is unreadable, and returns None."""
        try:
            return entry_of(connection, row)
        except Unreadable as error:
            set_unreadable_aside(connection, row[0], str(error), self._clock)
            return None

    def _finish(self, connection: sqlite3.Connection, place: int) -> None:
        if forget_capabilities(connection, place):
            self.database.empty_log_soon()
        connection.execute(
            "UPDATE journal SET state = 'finished', in_hand = 0, uptime = ?, reason = '' WHERE place = ?",
            (self._uptime.now(), place),
        )


def release_orphans(connection: sqlite3.Connection) -> None:
    """Releases actions owned by a process that has exited."""
    connection.execute(f"UPDATE journal SET in_hand = 0 WHERE in_hand <> 0 AND {UNFINISHED}")


def _checked(connection: sqlite3.Connection, action_id: ActionId, transition: str) -> int:
    """Returns the place of an action that may make the transition. Raises ValueError."""
    row = connection.execute("SELECT place, state FROM journal WHERE id = ?", (action_id,)).fetchone()
    place, state = row or (0, None)
    check_transition(action_id, transition, ActionState(state) if state else None)
    return int(place)


def _set_executing(connection: sqlite3.Connection, place: int) -> None:
    connection.execute("UPDATE journal SET state = 'executing' WHERE place = ? AND state = 'taken'", (place,))
