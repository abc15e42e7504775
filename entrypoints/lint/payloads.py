"""The payloads of this pack's events: samples that the pack's own code makes, and the tables of commands and events."""

import dataclasses
import itertools
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from adapters.serialization.event_payloads import event_name, event_payload
from application.catalog.commands import COMMANDS
from application.catalog.people import person_fields
from application.catalog.specs import CommandSpec, FieldType
from domain.events import CommandOutcome, Fatal, Outcome, ReceivedEvent, ReceivedMessage
from domain.json_values import JsonObject
from domain.messages import KEY_FIELDS
from domain.outbox import InboundEvent
from domain.users import User

_TEXT: Final = "text"
_SAMPLES: Final[Mapping[FieldType, object]] = {FieldType.TEXT: _TEXT, FieldType.BOOLEAN: True}
"""Values of the types that are the same in every payload; the others may be strings or not."""


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """What an event contains: a sample in which null, `[]` and `{}` stand for anything."""

    sample: Mapping[str, Any]
    is_open: bool = False
    """Whether it has the keys of the command's input in addition, whatever they are."""


@cache
def payloads() -> Mapping[str, Payload]:
    """Returns the payload of every event of the pack, its commands' outcomes included, by the event's name."""
    outcomes = {name: payload for spec in COMMANDS for name, payload in _outcomes(spec)}
    return outcomes | dict(_received()) | dict(_special_outcomes())


def _received() -> Iterator[tuple[str, Payload]]:
    for kind, flag in itertools.product(get_args(InboundEvent), (True, False)):
        event = _sample(kind, flag=flag)
        user = _sample(User, flag=False)
        received = ReceivedMessage(event, user) if kind.__name__ == "IncomingMessage" else ReceivedEvent(event, user)
        yield event_name(received), Payload(_as_object(event_payload(received)))


def _special_outcomes() -> Iterator[tuple[str, Payload]]:
    """Yields the outcomes that do not follow from the table: those of the domain's own commands."""
    passing_on = {spec.success for spec in COMMANDS if spec.passes_on}
    for kind in get_args(Outcome):
        if kind not in (CommandOutcome, Fatal):
            outcome = _sample(kind, flag=True)
            yield event_name(outcome), Payload(_as_object(event_payload(outcome)), event_name(outcome) in passing_on)


def _outcomes(spec: CommandSpec) -> Iterator[tuple[str, Payload]]:
    echoed: dict[str, Any] = {field.name: _SAMPLES.get(field.type) for field in spec.fields if not field.is_content}
    if len(echoed) < len(spec.fields):
        echoed["size"] = 0
    if set(KEY_FIELDS) & set(echoed):
        echoed["updated"] = True
    results = {name: person_fields(User(_TEXT)) if name == "user" else None for name in spec.results}
    yield spec.success, Payload({**echoed, **results, "inDoubt": True}, spec.passes_on)
    reasons = dict.fromkeys(filter(None, ("error", spec.reason)), _TEXT)
    yield spec.failure, Payload({**echoed, **reasons}, spec.passes_on)


def _sample(kind: Any, *, flag: bool) -> Any:
    """Returns a value of a type with all its fields, and with the same value in all that are boolean."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind, localns={"Json": object})  # JSON refers to itself by its name
        return kind(**{field.name: _sample(hints[field.name], flag=flag) for field in dataclasses.fields(kind)})  # type: ignore[operator]  # a class
    kind = getattr(kind, "__supertype__", kind)
    origin = get_origin(kind) or kind
    if origin in (Union, types.UnionType):
        return None
    if origin is bool:
        return flag
    if origin is str:
        return _TEXT
    return {} if issubclass(origin, Mapping) else origin()


def _as_object(payload: object) -> JsonObject:
    return payload if isinstance(payload, dict) else {}
