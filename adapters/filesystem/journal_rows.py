"""The journal's rows: one for each action, one for each step of it.

Each function runs inside a transaction. Times are microseconds since 1970.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from adapters.filesystem.codec import (
    dump_action_command,
    dump_outcome,
    from_micros,
    load_action_command,
    load_outcome,
    optional_from_micros,
    optional_to_micros,
)
from adapters.filesystem.schema import PURGE_BATCH, UNFINISHED
from domain.action_states import begun, check_transition, retracted, settled
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step
from domain.channels import ChannelId
from domain.events import Outcome
from domain.messages import Receipt
from domain.outbox import Backlog

START = (-(2**62), 0)
"""Where to begin with the pages."""

_PAGE = 100
_ENTRY = "place, id, state, taken_at, command, outcome, concluded_at, reason"
_STEP = "begun_at, posted_to, timestamp, in_doubt, error"


def let_go(connection: sqlite3.Connection) -> None:
    """The process whose hands the actions were in is no more."""
    connection.execute(f"UPDATE journal SET in_hand = 0 WHERE in_hand <> 0 AND {UNFINISHED}")


def begin_taking(connection: sqlite3.Connection, since: int) -> datetime | None:
    """Note that actions are asked for, and return since when an earlier process did without ending it."""
    earlier = connection.execute("SELECT since FROM taking").fetchone()
    if earlier is None:
        connection.execute("INSERT INTO taking VALUES (?)", (since,))
    return None if earlier is None else from_micros(earlier[0])


def end_taking(connection: sqlite3.Connection) -> None:
    """Note that no action is asked for."""
    connection.execute("DELETE FROM taking")


def take_in(connection: sqlite3.Connection, action: Action, taken_at: int) -> JournalEntry | None:
    """Keep an action that is new; otherwise what is known of it."""
    known = load(connection, action.id)
    if known is not None and (known.action == action or known.state is not ActionState.REPORTED):
        return known
    connection.execute("DELETE FROM journal WHERE id = ?", (action.id,))
    connection.execute(
        "INSERT INTO journal (id, state, in_hand, taken_at, command) VALUES (?, 'taken', 1, ?, ?)",
        (action.id, taken_at, dump_action_command(action.command)),
    )
    return None


def plan(connection: sqlite3.Connection, action_id: ActionId, channel_ids: Sequence[ChannelId]) -> None:
    """One step for each channel, in order."""
    place = _checked(connection, action_id, "planned")
    planned = list(dict.fromkeys(channel_ids))
    known = list(_steps(connection, place))
    if known and known != planned:
        raise ValueError(f"action {action_id} is planned already, otherwise")
    if not known:
        connection.executemany(
            "INSERT INTO steps (action, channel_id, position) VALUES (?, ?, ?)",
            [(place, channel_id, position) for position, channel_id in enumerate(planned)],
        )
    _execute(connection, place)


def begin(connection: sqlite3.Connection, action_id: ActionId, channel_id: ChannelId, moment: datetime) -> None:
    """The step goes out."""
    place = _checked(connection, action_id, "begun")
    _put_step(connection, place, channel_id, begun(_step(connection, place, channel_id), moment))
    _execute(connection, place)


def retract(connection: sqlite3.Connection, action_id: ActionId, channel_id: ChannelId) -> None:
    """The step did not go out after all."""
    place = _checked(connection, action_id, "retracted")
    _put_step(connection, place, channel_id, retracted(_step(connection, place, channel_id)))


def settle(connection: sqlite3.Connection, action_id: ActionId, channel_id: ChannelId, end: Step) -> None:
    """The step's end."""
    place = _checked(connection, action_id, "settled")
    _put_step(connection, place, channel_id, settled(_step(connection, place, channel_id), end))


def conclude(connection: sqlite3.Connection, action_id: ActionId, outcome: Outcome, concluded_at: int) -> None:
    """The outcome."""
    connection.execute(
        "UPDATE journal SET state = 'concluded', outcome = ?, concluded_at = ? WHERE place = ?",
        (dump_outcome(outcome), concluded_at, _checked(connection, action_id, "concluded")),
    )


def finish(connection: sqlite3.Connection, action_id: ActionId) -> None:
    """Answered."""
    _finish(connection, _checked(connection, action_id, "finished"))


def set_aside(connection: sqlite3.Connection, action_id: ActionId, reason: str) -> None:
    """Not to be answered for now."""
    connection.execute(
        "UPDATE journal SET state = 'set aside', in_hand = 0, reason = ? WHERE place = ?",
        (reason, _checked(connection, action_id, "set aside")),
    )


def adopt(connection: sqlite3.Connection, limit: int) -> list[JournalEntry]:
    """The oldest in nobody's hands; they are in ours now."""
    found = connection.execute(
        f"SELECT {_ENTRY} FROM journal WHERE in_hand = 0 AND {UNFINISHED} ORDER BY taken_at, place LIMIT ?", (limit,)
    ).fetchall()
    connection.executemany("UPDATE journal SET in_hand = 1 WHERE place = ?", [(row[0],) for row in found])
    return [_entry(connection, row) for row in found]


def load(connection: sqlite3.Connection, action_id: ActionId) -> JournalEntry | None:
    """What is known of an action."""
    row = connection.execute(f"SELECT {_ENTRY} FROM journal WHERE id = ?", (action_id,)).fetchone()
    return _entry(connection, row) if row else None


def depth(connection: sqlite3.Connection) -> Backlog:
    """How much is in hand, by the tallies."""
    counts = dict(connection.execute("SELECT state, rows FROM tallies WHERE kind = 'journal'"))
    (oldest,) = connection.execute(f"SELECT min(taken_at) FROM journal WHERE {UNFINISHED}").fetchone()
    unfinished = sum(counts.get(state, 0) for state in ("taken", "executing", "concluded"))
    return Backlog(unfinished, counts.get("set aside", 0), optional_from_micros(oldest))


def page(
    connection: sqlite3.Connection, after: tuple[int, int], *, set_aside: bool
) -> list[tuple[tuple[int, int], JournalEntry]]:
    """The next entries by age, each with where to go on after it."""
    chosen = "state = 'set aside'" if set_aside else UNFINISHED
    found = connection.execute(
        f"SELECT {_ENTRY} FROM journal WHERE {chosen} AND (taken_at, place) > (?, ?) ORDER BY taken_at, place LIMIT ?",
        (*after, _PAGE),
    ).fetchall()
    return [((row[3], row[0]), _entry(connection, row)) for row in found]


def revive(connection: sqlite3.Connection, action_id: ActionId) -> bool:
    """From set aside back to be answered, by whoever adopts it."""
    return bool(
        connection.execute(
            "UPDATE journal SET state = 'concluded', reason = '' WHERE id = ? AND state = 'set aside'", (action_id,)
        ).rowcount
    )


def discard(connection: sqlite3.Connection, action_id: ActionId) -> bool:
    """To finished without an answer, unless somebody has it."""
    row = connection.execute(
        "SELECT place FROM journal WHERE id = ? AND in_hand = 0 AND state <> 'finished'", (action_id,)
    ).fetchone()
    if row is None:
        return False
    _finish(connection, row[0])
    return True


def forget(connection: sqlite3.Connection, before: int) -> int:
    """Drop what is finished; how many, at most PIECE."""
    return connection.execute(
        "DELETE FROM journal WHERE place IN "
        "(SELECT place FROM journal WHERE state = 'finished' AND taken_at < ? ORDER BY taken_at LIMIT ?)",
        (before, PURGE_BATCH),
    ).rowcount


def _checked(connection: sqlite3.Connection, action_id: ActionId, deed: str) -> int:
    """The place of an action to which this can be done."""
    row = connection.execute("SELECT place, state FROM journal WHERE id = ?", (action_id,)).fetchone()
    place, state = row or (0, None)
    check_transition(action_id, deed, ActionState(state) if state else None)
    return int(place)


def _execute(connection: sqlite3.Connection, place: int) -> None:
    connection.execute("UPDATE journal SET state = 'executing' WHERE place = ? AND state = 'taken'", (place,))


def _finish(connection: sqlite3.Connection, place: int) -> None:
    connection.execute("UPDATE journal SET state = 'finished', in_hand = 0, reason = '' WHERE place = ?", (place,))


def _step(connection: sqlite3.Connection, place: int, channel_id: ChannelId) -> Step | None:
    row = connection.execute(
        f"SELECT {_STEP} FROM steps WHERE action = ? AND channel_id = ?", (place, channel_id)
    ).fetchone()
    return _as_step(row) if row else None


def _steps(connection: sqlite3.Connection, place: int) -> dict[ChannelId, Step]:
    found: Iterator[tuple[Any, ...]] = connection.execute(
        f"SELECT channel_id, {_STEP} FROM steps WHERE action = ? ORDER BY position", (place,)
    )
    return {ChannelId(row[0]): _as_step(row[1:]) for row in found}


def _as_step(row: tuple[Any, ...]) -> Step:
    begun_at, posted_to, timestamp, in_doubt, error = row
    receipt = None if posted_to is None else Receipt(ChannelId(posted_to), timestamp, bool(in_doubt))
    return Step(optional_from_micros(begun_at), receipt, error)


def _put_step(connection: sqlite3.Connection, place: int, channel_id: ChannelId, step: Step) -> None:
    receipt = step.receipt
    posted = (receipt.channel_id, receipt.timestamp, receipt.in_doubt) if receipt else (None, None, None)
    values = (optional_to_micros(step.begun_at), *posted, step.error)
    is_known = connection.execute(
        "UPDATE steps SET begun_at = ?, posted_to = ?, timestamp = ?, in_doubt = ?, error = ? "
        "WHERE action = ? AND channel_id = ?",
        (*values, place, channel_id),
    ).rowcount
    if not is_known:
        connection.execute(
            f"INSERT INTO steps (action, channel_id, position, {_STEP}) VALUES (?, ?, "
            "(SELECT count(*) FROM steps WHERE action = ?), ?, ?, ?, ?, ?)",
            (place, channel_id, place, *values),
        )


def _entry(connection: sqlite3.Connection, row: tuple[Any, ...]) -> JournalEntry:
    place, action_id, state, taken_at, command, outcome, concluded_at, reason = row
    return JournalEntry(
        Action(ActionId(action_id), load_action_command(command)),
        from_micros(taken_at),
        ActionState(state),
        _steps(connection, place),
        load_outcome(outcome),
        optional_from_micros(concluded_at),
        reason,
    )
