"""Rows of the SQLite file as records of a copy, and back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from adapters.sql.codec import optional_text
from adapters.sql.journal_rows import UNFINISHED
from application.ports.transfer import (
    ActionRecord,
    ChannelRecord,
    EntryRecord,
    GapRecord,
    KeyRecord,
    LaneRecord,
    MessageKeyRecord,
    Record,
    StepRecord,
)

Row: TypeAlias = tuple[Any, ...]

LANES: Final = """SELECT id, name, priority, is_interrupted, not_before, heard_until, uptime
    FROM lanes WHERE id > ? ORDER BY id LIMIT 500"""
ENTRIES: Final = """SELECT place, key, name, kind, state, received_at, is_backfilled, said, refusals, first_refused_at,
    refused_uptime, reason, outbox.uptime, traceparent
    FROM outbox JOIN lanes ON lane = id WHERE place > ? AND state <> 'done' ORDER BY place LIMIT 500"""
KEYS: Final = "SELECT place, key, uptime FROM outbox WHERE place > ? AND state = 'done' ORDER BY place LIMIT 500"
_ACTIONS: Final = """SELECT uptime, place, id, state, taken_at, command, outcome, concluded_at, reason,
    traceparent FROM journal
    WHERE {0} AND (uptime, place) > (?, ?) ORDER BY uptime, place LIMIT 20"""
"""Few at once: commands may hold files."""
ACTIONS: Final = tuple(
    _ACTIONS.format(condition) for condition in (UNFINISHED, "state = 'set aside'", "state = 'finished'")
)
STEPS: Final = """SELECT action, name, begun_at, result, error
    FROM steps WHERE action IN (SELECT value FROM json_each(?)) ORDER BY action, position"""
MESSAGE_KEYS: Final = """SELECT channel_id, key, timestamp, reserved_since, uptime
    FROM message_keys WHERE (channel_id, key) > (?, ?) ORDER BY channel_id, key LIMIT 500"""

_INSERT_LANE: Final = """INSERT INTO lanes (name, priority, is_interrupted, not_before, heard_until, uptime)
    VALUES (?, ?, ?, ?, ?, ?)"""
_INSERT_ENTRY: Final = """INSERT INTO outbox (key, lane, kind, state, received_at, is_backfilled, said, refusals,
    first_refused_at, refused_uptime, reason, uptime, traceparent)
    VALUES (?, (SELECT id FROM lanes WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_KEY: Final = """INSERT INTO outbox (key, lane, kind, state, received_at, is_backfilled, said, uptime)
    VALUES (?, 0, '', 'done', 0, 0, '', ?)"""
_INSERT_ACTION: Final = """INSERT INTO journal
    (id, state, in_hand, taken_at, command, outcome, concluded_at, reason, uptime, traceparent)
    VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_STEP: Final = """INSERT INTO steps (action, name, position, begun_at, result, error)
    VALUES ((SELECT place FROM journal WHERE id = ?), ?, ?, ?, ?, ?)"""


def lane_of(row: Row) -> LaneRecord:
    """Returns the record of a row of LANES."""
    _, name, priority, is_interrupted, not_before, heard_until, uptime = row
    return LaneRecord(name, priority, bool(is_interrupted), _optional(not_before), heard_until, uptime)


def entry_of(row: Row) -> EntryRecord:
    """Returns the record of a row of ENTRIES."""
    (place, key, lane, kind, state, received_at, is_backfilled, event) = row[:8]
    rejections, first_rejected_at, rejected_uptime, reason, uptime, traceparent = row[8:]
    return EntryRecord(
        _key(key, place),
        lane,
        _text(kind),
        state == "set aside",
        _number(received_at),
        bool(is_backfilled),
        _text(event),
        _number(rejections),
        _optional(first_rejected_at),
        _optional(rejected_uptime),
        _text(reason),
        uptime,
        optional_text(traceparent),
    )


def key_of(row: Row) -> KeyRecord:
    """Returns the record of a row of KEYS."""
    place, key, uptime = row
    return KeyRecord(_key(key, place), uptime)


def message_key_of(row: Row) -> MessageKeyRecord:
    """Returns the record of a row of MESSAGE_KEYS."""
    return MessageKeyRecord(*row)


def actions_of(rows: Sequence[Row], step_rows: Iterable[Row]) -> list[ActionRecord]:
    """Returns the records of rows of ACTIONS with those of STEPS."""
    steps: dict[int, list[StepRecord]] = {}
    for action, name, begun_at, result, error in step_rows:
        step = StepRecord(_text(name), _optional(begun_at), _optional_text(result), _text(error))
        steps.setdefault(action, []).append(step)
    return [_action(row, tuple(steps.get(row[1], ()))) for row in rows]


def _action(row: Row, steps: tuple[StepRecord, ...]) -> ActionRecord:
    uptime, place, action_id, state, taken_at, command, outcome, completed_at, reason, traceparent = row
    return ActionRecord(
        _key(action_id, place),
        state,
        _number(taken_at),
        _text(command),
        _optional_text(outcome),
        _optional(completed_at),
        _text(reason),
        uptime,
        steps,
        optional_text(traceparent),
    )


def _lane_rows(lane: LaneRecord) -> list[Row]:
    return [(lane.name, lane.priority, lane.is_interrupted, lane.not_before, lane.heard_until, lane.uptime)]


def _entry_rows(entry: EntryRecord) -> list[Row]:
    state = "set aside" if entry.is_dead_lettered else "waiting"
    head = (entry.key, entry.lane, entry.kind, state, entry.received_at, entry.is_backfilled, entry.event)
    rejections = (entry.rejections, entry.first_rejected_at, entry.rejected_uptime)
    return [(*head, *rejections, entry.reason, entry.uptime, entry.traceparent)]


def _key_rows(known: KeyRecord) -> list[Row]:
    return [(known.key, known.uptime)]


def _action_rows(action: ActionRecord) -> list[Row]:
    texts = (action.command, action.outcome, action.completed_at, action.reason)
    return [(action.id, action.state, action.taken_at, *texts, action.uptime, action.traceparent)]


def _step_rows(action: ActionRecord) -> list[Row]:
    return [
        (action.id, step.name, position, step.begun_at, step.result, step.error)
        for position, step in enumerate(action.steps)
    ]


def _message_key_rows(key: MessageKeyRecord) -> list[Row]:
    return [(key.channel_id, key.key, key.timestamp, key.reserved_since, key.uptime)]


def _channel_rows(channel: ChannelRecord) -> list[Row]:
    return [] if channel.since is None else [(channel.channel_id, channel.since)]


def _gap_rows(gap: GapRecord) -> list[Row]:
    return [(gap.channel_id, gap.after, gap.until)]


INSERTS: Final[Mapping[type[Record], Sequence[tuple[str, Callable[[Any], list[Row]]]]]] = {
    LaneRecord: [(_INSERT_LANE, _lane_rows)],
    EntryRecord: [(_INSERT_ENTRY, _entry_rows)],
    KeyRecord: [(_INSERT_KEY, _key_rows)],
    ActionRecord: [(_INSERT_ACTION, _action_rows), (_INSERT_STEP, _step_rows)],
    MessageKeyRecord: [("INSERT INTO message_keys VALUES (?, ?, ?, ?, ?)", _message_key_rows)],
    ChannelRecord: [("INSERT INTO joined VALUES (?, ?)", _channel_rows)],
    GapRecord: [("INSERT INTO gaps VALUES (?, ?, ?)", _gap_rows)],
}
"""The statements that store a record, each with its rows."""


def _key(stored: object, place: int) -> str:
    return _text(stored) or f"unreadable:{place}"


def _text(stored: object) -> str:
    """Returns a text; something in place of a damaged one."""
    return stored.decode(errors="replace") if isinstance(stored, bytes) else str(stored or "")


def _optional_text(stored: object) -> str | None:
    return None if stored is None else _text(stored)


def _optional(stored: object) -> int | None:
    return None if stored is None else _number(stored)


def _number(stored: object) -> int:
    """Returns a number; for a damaged one a number that is out of every range."""
    return stored if isinstance(stored, int) else -1
