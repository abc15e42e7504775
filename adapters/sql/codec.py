"""The form of values in the SQL storages.

Events are converted by plain code instead of schemas: there can be thousands a second, all written by this program.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_origin

from adapters.serialization import records
from domain.actions import StepResult
from domain.commands import Command
from domain.events import Outcome
from domain.outbox import EVENT_TYPES, EventKind, InboundEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_LAST_MICROS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // MICROSECOND
_encode = json.JSONEncoder(separators=(",", ":")).encode
_NOT_JSON = (ValueError, TypeError, AttributeError, RecursionError)


class Unreadable(Exception):
    """The program never writes this value. The text of the error does not quote it."""


def to_micros(time: datetime) -> int:
    """Returns the microseconds since 1970, exactly."""
    return (time - _EPOCH) // MICROSECOND


def optional_to_micros(time: datetime | None) -> int | None:
    """Returns None for None."""
    return None if time is None else to_micros(time)


def micros_of(seconds: float) -> int:
    """Returns a duration in microseconds."""
    return round(seconds * 1_000_000)


def is_time(stored: object) -> bool:
    """Whether `from_micros` accepts the value."""
    return type(stored) is int and 0 <= stored <= _LAST_MICROS


def from_micros(stored: int) -> datetime:
    """Inverts `to_micros`; the result is in UTC. Raises Unreadable."""
    if not is_time(stored):
        raise Unreadable("a time is out of range")
    return _EPOCH + stored * MICROSECOND


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


def optional_text(stored: object) -> str | None:
    """Returns an optional text of an entry; None for a damaged one."""
    return stored if isinstance(stored, str) else None


def _json_type(annotation: Any) -> object:
    """Returns the JSON type of a field of an event."""
    annotation = getattr(annotation, "__supertype__", annotation)  # the type under a NewType
    stored = get_origin(annotation) or annotation
    return {tuple: list, Mapping: dict}.get(stored, stored)


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


_DEFAULTS = {kind: {field.name: _default(field) for field in fields(kind)} for kind in EVENT_TYPES.values()}
"""The defaults of the fields of each event; MISSING for required ones."""
_TYPES = {kind: {field.name: _json_type(field.type) for field in fields(kind)} for kind in EVENT_TYPES.values()}


def dump_event(event: InboundEvent) -> str:
    """Returns the event as JSON, without fields that have their default."""
    defaults = _DEFAULTS[type(event)]
    return _encode({name: value for name in defaults if (value := getattr(event, name)) != defaults[name]})


def load_event(kind: str, stored: str) -> InboundEvent:
    """Inverts `dump_event`; `kind` is the value of the EventKind. Raises Unreadable."""
    event_type = _event_type(kind)
    build: Callable[..., InboundEvent] = event_type
    types = _TYPES[event_type]
    try:
        record = json.loads(text(stored))
        if any(type(value) is not types[name] for name, value in record.items()):
            raise Unreadable("a field of the event has the wrong type")
        values = {name: tuple(value) if type(value) is list else value for name, value in record.items()}
        return build(**values)
    except (*_NOT_JSON, KeyError) as error:
        raise Unreadable("the event is damaged") from error


def _event_type(kind: object) -> type[InboundEvent]:
    try:
        return EVENT_TYPES[EventKind(kind)]
    except ValueError as error:
        raise Unreadable("its kind is unknown") from error


def dump_action_command(command: Command) -> str:
    """Returns the command as JSON."""
    return _encode(records.dump_command(command))


def load_action_command(stored: str) -> Command:
    """Inverts `dump_action_command`. Raises Unreadable."""
    try:
        return records.load_command(json.loads(text(stored)))
    except _NOT_JSON as error:
        raise Unreadable("the command is damaged") from error


def dump_step_result(result: StepResult | None) -> str | None:
    """Returns the result of a step as JSON; None for None."""
    return None if result is None else _encode(records.dump_step_result(result))


def load_step_result(stored: str | None) -> StepResult | None:
    """Inverts `dump_step_result`. Raises Unreadable."""
    if stored is None:
        return None
    try:
        return records.load_step_result(json.loads(text(stored)))
    except _NOT_JSON as error:
        raise Unreadable("the result of a step is damaged") from error


def dump_outcome(outcome: Outcome) -> str:
    """Returns the outcome as JSON."""
    return _encode(records.dump_outcome(outcome))


def load_outcome(stored: str | None) -> Outcome | None:
    """Inverts `dump_outcome`; None for None. Raises Unreadable."""
    if stored is None:
        return None
    try:
        return records.load_outcome(json.loads(text(stored)))
    except _NOT_JSON as error:
        raise Unreadable("the outcome is damaged") from error
