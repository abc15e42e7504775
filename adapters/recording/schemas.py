"""The lines of a recording: one JSON object each, with its time, its direction, its kind, and its content."""

from collections.abc import Mapping
from typing import Final, cast

from marshmallow import ValidationError

from adapters.recording.entries import (
    ActionCompleted,
    ActionTaken,
    ChatRequested,
    Entry,
    EventPublished,
    EventReceived,
    Identified,
    JoinRequested,
    LeaveRequested,
    MembershipChanged,
    MessagePosted,
    MessageReceived,
    Registered,
    UserLookedUp,
)
from adapters.serialization.dataclass_schema import DataclassSchema, schema_for
from adapters.serialization.json_codec import read_json
from domain.json_values import JsonObject

_FROM_SLACK: Final = "slack -> pack"
_TO_SLACK: Final = "pack -> slack"
_FROM_FLYTE: Final = "flyte -> pack"
_TO_FLYTE: Final = "pack -> flyte"
KINDS: Final[Mapping[str, tuple[type[Entry], str]]] = {
    "registered": (Registered, _TO_FLYTE),
    "identified": (Identified, _FROM_SLACK),
    "heard": (MessageReceived, _FROM_SLACK),
    "event": (EventReceived, _FROM_SLACK),
    "membership": (MembershipChanged, _FROM_SLACK),
    "person": (UserLookedUp, _FROM_SLACK),
    "published": (EventPublished, _TO_FLYTE),
    "taken": (ActionTaken, _FROM_FLYTE),
    "answered": (ActionCompleted, _TO_FLYTE),
    "posted": (MessagePosted, _TO_SLACK),
    "joined": (JoinRequested, _TO_SLACK),
    "left": (LeaveRequested, _TO_SLACK),
    "requested": (ChatRequested, _TO_SLACK),
}
"""The entry and the direction of each kind of line."""

_SCHEMAS: Final = {kind: schema_for(entry, DataclassSchema) for kind, (entry, _) in KINDS.items()}
_KIND_OF: Final = {entry: kind for kind, (entry, _) in KINDS.items()}


def dump_entry(entry: Entry) -> JsonObject:
    """Returns the line for an entry, as a JSON object."""
    kind = _KIND_OF[type(entry)]
    fields = _SCHEMAS[kind].dump(entry)
    return {"at": fields["at"], "way": KINDS[kind][1], "kind": kind, **fields}


def load_entry(line: str | bytes) -> Entry:
    """Returns the entry of a line. Raises ValueError if there is none; the message says why."""
    is_object = line.lstrip()[:1] in ("{", b"{")
    parsed = read_json(line) if is_object else None
    kind = str(parsed.get("kind")) if isinstance(parsed, dict) else ""
    if not isinstance(parsed, dict) or kind not in KINDS:
        raise ValueError("this is not a line of a recording")
    fields = {name: value for name, value in parsed.items() if name not in ("way", "kind")}
    try:
        return cast("Entry", _SCHEMAS[kind].load(fields))
    except ValidationError as error:
        invalid = ", ".join(map(str, error.messages_dict))
        raise ValueError(f"a line of the kind '{kind}' is invalid in {invalid}") from None
