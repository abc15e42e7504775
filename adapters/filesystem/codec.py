"""The form of values in the SQLite file.

Messages are converted by plain code instead of schemas: there can be thousands a second, all written by this program.
"""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.serialization.records import dump_command, dump_event, load_command, load_event
from domain.commands import Command
from domain.events import Outcome
from domain.messages import IncomingMessage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_NOT_JSON = (ValueError, TypeError, AttributeError, RecursionError)


class Unreadable(Exception):
    """A value in the file is none that this program writes. The text does not quote it."""


def to_micros(time: datetime) -> int:
    """Returns the microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def optional_to_micros(time: datetime | None) -> int | None:
    """Returns None for None."""
    return None if time is None else to_micros(time)


def is_time(stored: object) -> bool:
    """Whether `from_micros` accepts the value."""
    return type(stored) is int and 0 <= stored <= _LAST_MICROS


def from_micros(stored: int) -> datetime:
    """Inverts `to_micros`; the result is in UTC. Raises Unreadable."""
    if not is_time(stored):
        raise Unreadable("a time is out of range")
    return _EPOCH + stored * _MICROSECOND


def optional_from_micros(stored: int | None) -> datetime | None:
    """Returns None for None. Raises Unreadable."""
    return None if stored is None else from_micros(stored)


def text(stored: object) -> str:
    """Returns a text as it is. Raises Unreadable for anything else, such as a text that is not in UTF-8."""
    if not isinstance(stored, str):
        raise Unreadable("a text is damaged")
    return stored


def count_of(stored: object) -> int:
    """Returns a number from 0. Raises Unreadable for anything else."""
    if type(stored) is not int or stored < 0:
        raise Unreadable("a number is out of range")
    return stored


_OPTIONAL = {
    field.name: field.default
    for field in fields(IncomingMessage)
    if field.name not in ("channel_id", "timestamp", "text")
}
_TYPES = {"channel_id": str, "timestamp": str, "text": str, **{name: type(_OPTIONAL[name]) for name in _OPTIONAL}}


def dump_message(message: IncomingMessage) -> str:
    """Returns the message as JSON, without fields that have their default."""
    record: dict[str, Any] = {"channel_id": message.channel_id, "timestamp": message.timestamp, "text": message.text}
    for name, default in _OPTIONAL.items():
        if (value := getattr(message, name)) != default:
            record[name] = value
    return _encode(record)


def load_message(stored: str) -> IncomingMessage:
    """Inverts `dump_message`. Raises Unreadable."""
    try:
        record = json.loads(text(stored))
        if "replies" in record:
            record["replies"] = tuple(record["replies"])
        message = IncomingMessage(**record)
    except _NOT_JSON as error:
        raise Unreadable("the message is damaged") from error
    if any(type(value) is not _TYPES[name] for name, value in record.items()):
        raise Unreadable("a field of the message has the wrong type")
    return message


def dump_action_command(command: Command) -> str:
    """Returns the command as JSON."""
    return _encode(dump_command(command))


def load_action_command(stored: str) -> Command:
    """Inverts `dump_action_command`. Raises Unreadable."""
    try:
        return load_command(json.loads(text(stored)))
    except _NOT_JSON as error:
        raise Unreadable("the command is damaged") from error


def dump_outcome(outcome: Outcome) -> str:
    """Returns the outcome as JSON."""
    return _encode(dump_event(outcome))


def load_outcome(stored: str | None) -> Outcome | None:
    """Inverts `dump_outcome`; None for None. Raises Unreadable."""
    if stored is None:
        return None
    try:
        return load_event(json.loads(text(stored)))
    except _NOT_JSON as error:
        raise Unreadable("the outcome is damaged") from error
