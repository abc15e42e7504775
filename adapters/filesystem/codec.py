"""The form of values in the SQLite file.

Messages are converted by plain code instead of schemas: there can be thousands a second, all written by this program.
"""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.serialization.records import dump_command, dump_event, load_command, load_event
from domain.commands import Command
from domain.errors import StorageUnavailable
from domain.events import Outcome
from domain.messages import IncomingMessage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_micros(time: datetime) -> int:
    """Returns the microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def optional_to_micros(time: datetime | None) -> int | None:
    """Returns None for None."""
    return None if time is None else to_micros(time)


def from_micros(stored: int) -> datetime:
    """Inverts `to_micros`; the result is in UTC."""
    return _EPOCH + stored * _MICROSECOND


def optional_from_micros(stored: int | None) -> datetime | None:
    """Returns None for None."""
    return None if stored is None else from_micros(stored)


_OPTIONAL = {
    field.name: field.default
    for field in fields(IncomingMessage)
    if field.name not in ("channel_id", "timestamp", "text")
}


def dump_message(message: IncomingMessage) -> str:
    """Returns the message as JSON, without fields that have their default."""
    record: dict[str, Any] = {"channel_id": message.channel_id, "timestamp": message.timestamp, "text": message.text}
    for name, default in _OPTIONAL.items():
        if (value := getattr(message, name)) != default:
            record[name] = value
    return _encode(record)


def load_message(stored: str) -> IncomingMessage:
    """Inverts `dump_message`. Raises StorageUnavailable if the value is damaged."""
    try:
        record = json.loads(stored)
        if "replies" in record:
            record["replies"] = tuple(record["replies"])
        return IncomingMessage(**record)
    except (ValueError, TypeError) as error:
        raise StorageUnavailable("a message in the storage is unreadable: the file is damaged") from error


def dump_action_command(command: Command) -> str:
    """Returns the command as JSON."""
    return _encode(dump_command(command))


def load_action_command(stored: str) -> Command:
    """Inverts `dump_action_command`. Raises StorageUnavailable if the value is damaged."""
    try:
        return load_command(json.loads(stored))
    except ValueError as error:
        raise StorageUnavailable("a command in the storage is unreadable: the file is damaged") from error


def dump_outcome(outcome: Outcome) -> str:
    """Returns the outcome as JSON."""
    return _encode(dump_event(outcome))


def load_outcome(stored: str | None) -> Outcome | None:
    """Inverts `dump_outcome`; None for None. Raises StorageUnavailable if the value is damaged."""
    if stored is None:
        return None
    try:
        return load_event(json.loads(stored))
    except ValueError as error:
        raise StorageUnavailable("an outcome in the storage is unreadable: the file is damaged") from error
