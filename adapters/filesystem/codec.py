"""How values stand in the SQLite file.

Plain code rather than schemas for messages: they pass here by the thousand a second, and come from nobody but us.
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


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def optional_to_micros(moment: datetime | None) -> int | None:
    """Likewise; None for None."""
    return None if moment is None else to_micros(moment)


def from_micros(stored: int) -> datetime:
    """The moment, in UTC, that `micros` gave this for."""
    return _EPOCH + stored * _MICROSECOND


def optional_from_micros(stored: int | None) -> datetime | None:
    """Likewise; None for None."""
    return None if stored is None else from_micros(stored)


_OPTIONAL = {
    field.name: field.default
    for field in fields(IncomingMessage)
    if field.name not in ("channel_id", "timestamp", "text")
}


def dump_message(said: IncomingMessage) -> str:
    """The message as JSON, without what is as usual."""
    record: dict[str, Any] = {"channel_id": said.channel_id, "timestamp": said.timestamp, "text": said.text}
    for name, usual in _OPTIONAL.items():
        if (value := getattr(said, name)) != usual:
            record[name] = value
    return _encode(record)


def load_message(stored: str) -> IncomingMessage:
    """The message from which `dump_said` made this. StorageUnavailable when it made no such thing."""
    try:
        record = json.loads(stored)
        if "replies" in record:
            record["replies"] = tuple(record["replies"])
        return IncomingMessage(**record)
    except (ValueError, TypeError) as error:
        raise StorageUnavailable("a message in the storage can't be read: the file is damaged") from error


def dump_action_command(command: Command) -> str:
    """The command as JSON."""
    return _encode(dump_command(command))


def load_action_command(stored: str) -> Command:
    """The command from which `dump_action_command` made this. StorageUnavailable when it made no such thing."""
    try:
        return load_command(json.loads(stored))
    except ValueError as error:
        raise StorageUnavailable("a command in the storage can't be read: the file is damaged") from error


def dump_outcome(outcome: Outcome) -> str:
    """The outcome as JSON."""
    return _encode(dump_event(outcome))


def load_outcome(stored: str | None) -> Outcome | None:
    """The outcome from which `dump_outcome` made this; None for None. StorageUnavailable when it made no such thing."""
    if stored is None:
        return None
    try:
        return load_event(json.loads(stored))
    except ValueError as error:
        raise StorageUnavailable("an outcome in the storage can't be read: the file is damaged") from error
