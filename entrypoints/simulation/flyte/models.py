"""The model of a Flyte server: packs, events, actions and the runs of flows."""

import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.values import StringMap, Struct

FATAL = "FATAL"

_PROCESS = secrets.token_hex(5)
_COUNTER = itertools.count(secrets.randbelow(2**20))
_ACTIONS = itertools.count()


def new_id() -> str:
    """Returns an id like those of the server's database: 24 hexadecimal digits, unique and increasing."""
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) % 2**24:06x}"


class ActionState(StrEnum):
    """The state of an action."""

    NEW = "NEW"
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FATAL = "FATAL"

    @property
    def is_finished(self) -> bool:
        """Whether the action has a result."""
        return self in {ActionState.SUCCESS, ActionState.FATAL}


@dataclass(frozen=True, slots=True)
class Pack:
    """A registered pack; `definition` is its JSON."""

    id: str
    name: str
    labels: Mapping[str, str]
    definition: Mapping[str, object]

    @classmethod
    def create(cls, name: str, labels: Mapping[str, str], definition: Mapping[str, object] | None = None) -> Self:
        """Creates a pack with the id that the server derives from its name and labels."""
        pack_id = name + "".join(f".{key}.{labels[key]}" for key in sorted(labels))
        return cls(pack_id, name, labels, definition or {})

    def has_labels(self, labels: Mapping[str, str]) -> bool:
        """Whether the pack has all these labels."""
        return labels.items() <= self.labels.items()


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `created_text` is `createdAt` as sent; `at` is the time of arrival by the monotonic clock."""

    pack: Pack
    name: str
    payload: object
    created_at: datetime
    received_at: datetime
    created_text: str | None = None
    at: float = field(default_factory=time.monotonic)
    _structs: list[Struct] = field(default_factory=list, init=False, repr=False, compare=False)

    def as_struct(self) -> Struct:
        """Returns the event as templates see it: the same value for all of them, which `template()` can change."""
        if not self._structs:
            self._structs.append(self._to_struct())
        return self._structs[0]

    def _to_struct(self) -> Struct:
        labels = StringMap(self.pack.labels)
        pack = Struct("execution.Pack", {"Id": self.pack.id, "Name": self.pack.name, "Labels": labels})
        return Struct(
            "execution.Event",
            {
                "Name": self.name,
                "Pack": pack,
                "Payload": from_json(self.payload),
                "CreatedAt": self.created_at,
                "ReceivedAt": self.received_at,
            },
        )


@dataclass(slots=True, eq=False)
class Action:
    """A command for a pack. `raw_body`, if set, is sent as the response to `take`.

    With `is_new_in_audit` its record in the audit stays as it was created, whatever becomes of the action.
    """

    pack_name: str
    name: str
    input: object
    run: "FlowRun"
    step_id: str
    trigger: Event
    pack_labels: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes | None = None
    is_new_in_audit: bool = False
    id: str = field(default_factory=new_id)
    sequence: int = field(default_factory=_ACTIONS.__next__)
    states: list[tuple[ActionState, datetime]] = field(default_factory=list)
    result: Event | None = None

    @property
    def state(self) -> ActionState:
        """The current state."""
        return self.states[-1][0]


@dataclass(slots=True, eq=False)
class FlowRun:
    """One run of a flow, started by an event, with at most one action per step."""

    flow: Flow | None
    correlation_id: str = field(default_factory=new_id)
    actions_by_step: dict[str, Action] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)

    @property
    def flow_name(self) -> str:
        """The flow's name; empty for an action that no flow asked for."""
        return self.flow.name if self.flow else ""

    @property
    def is_finished(self) -> bool:
        """Whether every action has a result."""
        return all(action.state.is_finished for action in self.actions)

    def add(self, action: Action) -> None:
        """Adds an action. Among steps without an id, `actions_by_step` keeps the last, as the server does."""
        self.actions_by_step[action.step_id] = action
        self.actions.append(action)

    def has_finished(self, step_id: str) -> bool:
        """Whether a step has an action with a result."""
        action = self.actions_by_step.get(step_id)
        return action is not None and action.state.is_finished
