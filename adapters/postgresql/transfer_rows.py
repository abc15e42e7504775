"""Rows of the tables as records of a copy, and back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from adapters.sql.codec import Unreadable, load_action_command
from application.ports.transfer import (
    ActionRecord,
    ChannelRecord,
    EntryRecord,
    GapRecord,
    KeyRecord,
    LaneRecord,
    MessageKeyRecord,
    RateRecord,
    Record,
    StepRecord,
)
from application.services.lanes import lane_of
from domain.actions import ActionId
from domain.commands import command_name

Row: TypeAlias = tuple[Any, ...]

NO_RATE: Final = -3_600_000_000
"""The value for slots or pauses of long ago, in microseconds from now."""

LANES: Final = """SELECT name, priority, coalesce(first <= claimed_to OR first = in_doubt, false), not_before, heard_to,
    uptime
    FROM flyte_slack.lanes CROSS JOIN LATERAL (
        SELECT min(place) AS first FROM flyte_slack.outbox WHERE lane = name AND state = 'waiting'
    ) AS waiting
    WHERE name > %s ORDER BY name LIMIT 500"""
ENTRIES: Final = """SELECT place, key, lane, kind, state = 'set aside', received_at, is_backfilled, event, rejections,
    first_rejected_at, rejected_uptime, reason, uptime, traceparent
    FROM flyte_slack.outbox WHERE place > %s ORDER BY place LIMIT 500"""
KEYS: Final = "SELECT key, uptime FROM flyte_slack.recognised_keys WHERE key > %s ORDER BY key LIMIT 500"
ACTIONS: Final = """SELECT place, id, state, taken_at, command, outcome, completed_at, reason, uptime,
    traceparent FROM flyte_slack.journal WHERE place > %s ORDER BY place LIMIT 20"""
"""Few at once: commands may hold files."""
STEPS: Final = """SELECT action, name, begun_at, result, error
    FROM flyte_slack.steps WHERE action = ANY(%s) ORDER BY action, position"""
MESSAGE_KEYS: Final = """SELECT channel_id, key, timestamp, reserved_at, uptime
    FROM flyte_slack.message_keys WHERE (channel_id, key) > (%s, %s) ORDER BY channel_id, key LIMIT 500"""
CHANNELS: Final = """SELECT channel_id, listens_since, position IS NOT NULL
    FROM flyte_slack.joined ORDER BY position NULLS LAST, channel_id"""
GAPS: Final = "SELECT channel_id, after_at, until_at FROM flyte_slack.gaps ORDER BY channel_id, after_at"
RATES: Final = f"""SELECT name, greatest(used_until - now, {NO_RATE}), greatest(paused_until - now, {NO_RATE})
    FROM flyte_slack.rates, flyte_slack.clock ORDER BY name"""

_INSERT_LANE: Final = """INSERT INTO flyte_slack.lanes (name, priority, in_doubt, not_before, heard_to, uptime)
    VALUES (%s, %s, CASE WHEN %s THEN 0 END, %s, %s, %s)"""
_INSERT_ENTRY: Final = """INSERT INTO flyte_slack.outbox (key, lane, kind, state, received_at, is_backfilled, event,
    rejections, first_rejected_at, rejected_uptime, reason, uptime, traceparent)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_INSERT_ACTION: Final = """INSERT INTO flyte_slack.journal
    (id, lane, command_name, state, taken_at, command, outcome, completed_at, reason, uptime, traceparent)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_INSERT_STEP: Final = """INSERT INTO flyte_slack.steps (action, name, position, begun_at, result, error)
    VALUES ((SELECT place FROM flyte_slack.journal WHERE id = %s), %s, %s, %s, %s, %s)"""
_INSERT_CHANNEL: Final = """INSERT INTO flyte_slack.joined (channel_id, listens_since, position)
    VALUES (%s, %s, CASE WHEN %s THEN nextval('flyte_slack.joined_position') END)"""
_INSERT_RATE: Final = f"""INSERT INTO flyte_slack.rates (name, used_until, paused_until, is_restored)
    SELECT name, CASE WHEN used > {NO_RATE} THEN now + used END,
        CASE WHEN paused > {NO_RATE} THEN now + paused END, true
    FROM (VALUES (%s::text, %s::bigint, %s::bigint)) AS given (name, used, paused), flyte_slack.clock"""

FINISH: Final = (
    """UPDATE flyte_slack.lanes SET waiting = number, dead_lettered = aside, head = first, is_active = number > 0,
        in_doubt = CASE WHEN in_doubt = 0 THEN first END
    FROM (
        SELECT lane, count(*) FILTER (WHERE state = 'waiting') AS number,
            count(*) FILTER (WHERE state <> 'waiting') AS aside, min(place) FILTER (WHERE state = 'waiting') AS first
        FROM flyte_slack.outbox GROUP BY lane
    ) AS counted WHERE lane = name""",
    """UPDATE flyte_slack.lanes SET head_at = entry.uptime, head_kind = kind
    FROM flyte_slack.outbox AS entry WHERE place = head""",
)
"""Computes the columns of a lane that follow from its entries."""


def lane_record(row: Row) -> LaneRecord:
    """Returns the record of a row of LANES."""
    return LaneRecord(*row)


def entry_record(row: Row) -> EntryRecord:
    """Returns the record of a row of ENTRIES."""
    return EntryRecord(*row[1:])


def key_record(row: Row) -> KeyRecord:
    """Returns the record of a row of KEYS."""
    return KeyRecord(*row)


def message_key_record(row: Row) -> MessageKeyRecord:
    """Returns the record of a row of MESSAGE_KEYS."""
    return MessageKeyRecord(*row)


def action_records(rows: Sequence[Row], step_rows: Iterable[Row]) -> list[ActionRecord]:
    """Returns the records of rows of ACTIONS with those of STEPS."""
    steps: dict[int, list[StepRecord]] = {}
    for action, *step in step_rows:
        steps.setdefault(action, []).append(StepRecord(*step))
    return [ActionRecord(*(*values, tuple(steps.get(place, ())), trace)) for place, *values, trace in rows]


def rate_record(row: Row) -> RateRecord:
    """Returns the record of a row of RATES."""
    name, used_for, paused_for = row
    return RateRecord(name, NO_RATE if used_for is None else used_for, NO_RATE if paused_for is None else paused_for)


def _lane_rows(lane: LaneRecord) -> list[Row]:
    return [(lane.name, lane.priority, lane.is_interrupted, lane.not_before, lane.heard_until, lane.uptime)]


def _entry_rows(entry: EntryRecord) -> list[Row]:
    state = "set aside" if entry.is_dead_lettered else "waiting"
    head = (entry.key, entry.lane, entry.kind, state, entry.received_at, entry.is_backfilled, entry.event)
    rejections = (entry.rejections, entry.first_rejected_at, entry.rejected_uptime)
    return [(*head, *rejections, entry.reason, entry.uptime, entry.traceparent)]


def _action_rows(action: ActionRecord) -> list[Row]:
    lane, name = f"action {action.id}", ""
    try:
        command = load_action_command(action.command)
    except Unreadable:  # whoever reads the action sets it aside
        pass
    else:
        lane, name = lane_of(ActionId(action.id), command), command_name(command)
    texts = (action.command, action.outcome, action.completed_at, action.reason)
    return [(action.id, lane, name, action.state, action.taken_at, *texts, action.uptime, action.traceparent)]


def _step_rows(action: ActionRecord) -> list[Row]:
    return [
        (action.id, step.name, position, step.begun_at, step.result, step.error)
        for position, step in enumerate(action.steps, 1)
    ]


def _message_key_rows(key: MessageKeyRecord) -> list[Row]:
    return [(key.channel_id, key.key, key.timestamp, key.reserved_since, key.uptime)]


def _channel_rows(channel: ChannelRecord) -> list[Row]:
    return [(channel.channel_id, channel.since, channel.is_joined)]


def _gap_rows(gap: GapRecord) -> list[Row]:
    return [(gap.channel_id, gap.after, gap.until)]


def _rate_rows(rate: RateRecord) -> list[Row]:
    return [(rate.name, rate.used_for, rate.paused_for)]


INSERTS: Final[Mapping[type[Record], Sequence[tuple[str, Callable[[Any], list[Row]]]]]] = {
    LaneRecord: [(_INSERT_LANE, _lane_rows)],
    EntryRecord: [(_INSERT_ENTRY, _entry_rows)],
    KeyRecord: [("INSERT INTO flyte_slack.recognised_keys VALUES (%s, %s)", lambda known: [(known.key, known.uptime)])],
    ActionRecord: [(_INSERT_ACTION, _action_rows), (_INSERT_STEP, _step_rows)],
    MessageKeyRecord: [("INSERT INTO flyte_slack.message_keys VALUES (%s, %s, %s, %s, %s)", _message_key_rows)],
    ChannelRecord: [(_INSERT_CHANNEL, _channel_rows)],
    GapRecord: [("INSERT INTO flyte_slack.gaps VALUES (%s, %s, %s)", _gap_rows)],
    RateRecord: [(_INSERT_RATE, _rate_rows)],
}
"""The statements that store a record, each with its rows."""
