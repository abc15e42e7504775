"""The specification of a command or an event: one row of a table."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from application.use_cases.chat_use_case import ChatUseCase
from domain.json_values import Json, JsonObject
from domain.outbox import EventKind

TRACE_PARENT: Final = "traceparent"
"""A key that any payload and any input may have in addition to its own: the trace context in the W3C's form."""

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


class FieldType(Enum):
    """What a field of a command may hold. Null counts as missing everywhere."""

    TEXT = "a string"
    TEXT_OR_NUMBER = "a string or a number"
    BOOLEAN = "a boolean"
    LIST = "a list, or a string with a JSON list"
    OBJECT = "an object, or a string with a JSON object"

    @property
    def empty(self) -> Json:
        """The value that stands for a missing one in events."""
        match self:
            case FieldType.LIST:
                return []
            case FieldType.OBJECT:
                return {}
            case FieldType.BOOLEAN:
                return False
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a command's input."""

    name: str
    type: FieldType = FieldType.TEXT
    is_secret: bool = False
    """A capability: never shown, and forgotten once the action is done."""
    is_content: bool = False
    """Large: events carry its `size` in its place, and it is forgotten once the action is answered."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """In doubt, the request is repeated."""

    settled_by: str = ""
    """The error of a repeat that proves that the first request took effect; empty if a repeat simply succeeds."""


@dataclass(frozen=True, slots=True)
class LookFor:
    """In doubt, the pack looks for the effect, and repeats the request if it finds none."""


@dataclass(frozen=True, slots=True)
class AskOperator:
    """In doubt, the operator's decision applies (`WhenInDoubt`)."""


InDoubtRule: TypeAlias = Repeat | LookFor | AskOperator


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command: its input, how it can end, and what to do in doubt."""

    name: str
    summary: str
    """One sentence for the documentation."""
    success: str
    failure: str
    in_doubt: InDoubtRule
    fields: tuple[Field, ...]
    required: tuple[tuple[str, ...], ...]
    """Groups of fields, in the order in which they are reported. At least one field of each group has to be there."""
    results: tuple[str, ...] = ()
    """The keys that the success event adds."""
    lane: str = ""
    """The field with the channel whose commands are executed in order; empty if the command waits for no other. A dot
    leads into an object."""
    passes_on: bool = False
    """Whether any other field is passed on to the chat service."""
    reason: str = ""
    """The key of the failure event that repeats the explanation without the code; empty: none does."""
    requests: tuple[str, ...] = ()
    """The methods of Chat that it calls and that the chat service can pause."""
    is_look_up: bool = False
    """Whether it changes nothing that people see in the chat service."""
    methods: tuple[str, ...] = ()
    """The chat service's methods that the command replaces, and that `CallSlack` therefore refuses."""
    use_case: ChatUseCase | None = None
    """The use case that executes it as a ChatCommand; None if the domain has a class for the command."""

    def missing(self, given: JsonObject) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        return ", ".join(f"missing {' or '.join(map(_in_words, names))} field" for names in self.lacking(given))

    def lacking(self, given: JsonObject) -> tuple[tuple[str, ...], ...]:
        """Returns the groups of which no field is there."""
        return tuple(names for names in self.required if not any(_is_given(given.get(name)) for name in names))


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event that the pack sends of its own accord."""

    name: str
    summary: str
    """One sentence for the documentation."""
    kind: EventKind
    fields: tuple[str, ...]
    """The keys of its payload, besides `channelId`, `user` and `teamId`."""
    identity: tuple[str, ...]
    """The keys whose values identify one such event; a dot leads into an object."""
    is_optional: bool = False
    """Whether the pack sends it only if the operator switches it on."""
    has_channel: bool = True
    """Whether `channelId` can be anything but empty."""


def _is_given(value: Json) -> bool:
    return value not in (None, "", [], {}, "[]", "{}", False)


def _in_words(name: str) -> str:
    """`channelId` -> `channel id`."""
    return _WORD_START.sub(" ", name).lower()
