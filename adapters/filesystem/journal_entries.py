"""Single actions of the journal in SQLite: reading them with their steps, and changing their rows."""

import sqlite3
from collections.abc import Iterator

import structlog

from adapters.sql.codec import is_time, to_micros
from adapters.sql.journal_rows import (
    Row,
    dump_step,
    load_dead_letter,
    load_entry,
    load_step,
    unreadable_id,
    without_capabilities,
    without_content,
)
from application.ports.clock import Clock
from domain.actions import ActionId, JournalEntry, Step, StepName, action_key

log = structlog.get_logger()

ENTRY = "place, id, state, taken_at, command, outcome, concluded_at, reason, traceparent"
"""The columns of an action."""

_STEP = "begun_at, result, error"


def entry_of(connection: sqlite3.Connection, row: Row) -> JournalEntry:
    """Returns the action in a row of ENTRY, with its steps. Raises Unreadable."""
    return load_entry(row, step_rows(connection, row[0]))


def dead_letter_of(connection: sqlite3.Connection, row: Row) -> JournalEntry:
    """Returns the action in a row of ENTRY, with its steps; a dead letter if it is unreadable."""
    return load_dead_letter(row, step_rows(connection, row[0]))


def step_of(connection: sqlite3.Connection, place: int, name: StepName) -> Step | None:
    """Returns a step; None if it is neither planned nor begun."""
    row = connection.execute(f"SELECT {_STEP} FROM steps WHERE action = ? AND name = ?", (place, name)).fetchone()
    return load_step(row) if row else None


def step_rows(connection: sqlite3.Connection, place: int) -> Iterator[Row]:
    """Yields the name and the columns of each step, in the order of the plan."""
    return connection.execute(f"SELECT name, {_STEP} FROM steps WHERE action = ? ORDER BY position", (place,))


def store_step(connection: sqlite3.Connection, place: int, name: StepName, step: Step) -> None:
    """Stores a step, as the last one if it was not planned."""
    values = dump_step(step)
    is_known = connection.execute(
        "UPDATE steps SET begun_at = ?, result = ?, error = ? WHERE action = ? AND name = ?", (*values, place, name)
    ).rowcount
    if not is_known:
        connection.execute(
            f"INSERT INTO steps (action, name, position, {_STEP}) VALUES (?, ?, "
            "(SELECT count(*) FROM steps WHERE action = ?), ?, ?, ?)",
            (place, name, place, *values),
        )


def forget_content(connection: sqlite3.Connection, place: int) -> bool:
    """Forgets the content of a file in the command. Returns whether there was any."""
    (stored,) = connection.execute("SELECT command FROM journal WHERE place = ?", (place,)).fetchone()
    if (remaining := without_content(stored)) is None:
        return False
    connection.execute("UPDATE journal SET command = ? WHERE place = ?", (remaining, place))
    return True


def forget_capabilities(connection: sqlite3.Connection, place: int) -> bool:
    """Forgets the capabilities of an action. Returns whether there were any."""
    row = connection.execute(f"SELECT {ENTRY} FROM journal WHERE place = ?", (place,)).fetchone()
    if (remainder := without_capabilities(row, step_rows(connection, place))) is None:
        return False
    values = (remainder.command, remainder.outcome, place)
    connection.execute("UPDATE journal SET command = ?, outcome = ? WHERE place = ?", values)
    if not remainder.steps:
        connection.execute("DELETE FROM steps WHERE action = ?", (place,))
    for name, step in remainder.steps.items():
        store_step(connection, place, name, step)
    return True


def set_unreadable_aside(connection: sqlite3.Connection, place: int, problem: str, clock: Clock) -> None:
    """Makes a row a dead letter that operators can list, show and discard."""
    action_id, taken_at = connection.execute("SELECT id, taken_at FROM journal WHERE place = ?", (place,)).fetchone()
    action_id = action_id if isinstance(action_id, str) and action_id else unreadable_id(place)
    taken_at = taken_at if is_time(taken_at) else to_micros(clock.now())
    connection.execute(
        "UPDATE journal SET state = 'set aside', in_hand = 0, id = ?, taken_at = ?, reason = ? WHERE place = ?",
        (action_id, taken_at, f"unreadable: {problem}", place),
    )
    log.error("unreadable_set_aside", queue="journal", ref=action_key(ActionId(action_id)), reason=problem)
