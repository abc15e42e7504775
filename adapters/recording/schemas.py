"""The lines of a record: one JSON object each, with its time, its way, its kind, and what it was."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields

from adapters.recording.entries import (
    Answered,
    Entry,
    Heard,
    Identified,
    Joined,
    Left,
    Membership,
    Person,
    Posted,
    Published,
    Registered,
    Taken,
)
from adapters.serialization.json_codec import read_json
from domain.json_values import JsonObject

_FROM_SLACK: Final = "slack -> pack"
_TO_SLACK: Final = "pack -> slack"
_FROM_FLYTE: Final = "flyte -> pack"
_TO_FLYTE: Final = "pack -> flyte"
_WAYS: Final[Mapping[type[Entry], str]] = {
    Registered: _TO_FLYTE,
    Identified: _FROM_SLACK,
    Heard: _FROM_SLACK,
    Membership: _FROM_SLACK,
    Person: _FROM_SLACK,
    Published: _TO_FLYTE,
    Taken: _FROM_FLYTE,
    Answered: _TO_FLYTE,
    Posted: _TO_SLACK,
    Joined: _TO_SLACK,
    Left: _TO_SLACK,
}
KINDS: Final = {kind.__name__.lower(): kind for kind in _WAYS}
"""What the lines call each kind of entry."""


def dump_entry(entry: Entry) -> JsonObject:
    """The line for an entry, as a JSON object."""
    kind = type(entry)
    head = {"at": None, "way": _WAYS[kind], "kind": kind.__name__.lower()}  # `at` comes first and is filled in below
    return {**head, **_SCHEMAS[kind].dump(entry)}


def load_entry(line: str | bytes) -> Entry:
    """The entry that a line holds. ValueError when it holds none; the message says why."""
    given = read_json(line)
    kind = KINDS.get(str(given.get("kind"))) if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind is None:
        raise ValueError("this is no line of a record")
    values = {name: value for name, value in given.items() if name not in ("way", "kind")}
    try:
        return kind(**_SCHEMAS[kind].load(values))
    except ValidationError as error:
        wrong = ", ".join(map(str, error.messages_dict))
        raise ValueError(f"a line of the kind '{given['kind']}' is wrong in {wrong}") from None


_FIELDS: Final[Mapping[str, Callable[[], fields.Field[Any]]]] = {
    "at": lambda: fields.AwareDateTime(required=True, format="iso"),
    "labels": lambda: fields.Dict(keys=fields.String(), values=fields.String(), required=True),
    "fields": lambda: fields.Dict(keys=fields.String(), required=True),
    "input": lambda: fields.Raw(required=True, allow_none=True),
    "payload": lambda: fields.Raw(required=True, allow_none=True),
    "is_member": lambda: fields.Boolean(required=True),
    "is_direct": lambda: fields.Boolean(required=True),
}
"""Those that are not simply texts."""


def _schema(kind: type[Entry]) -> Schema:
    names = [field.name for field in dataclasses.fields(kind)]
    made = {name: _FIELDS[name]() if name in _FIELDS else fields.String(required=True) for name in names}
    return Schema.from_dict(made, name=kind.__name__)(unknown=RAISE)


_SCHEMAS: Final = {kind: _schema(kind) for kind in _WAYS}
