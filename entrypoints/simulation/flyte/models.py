"""What a Flyte server knows: packs, events, actions and the runs of flows."""

import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.pongo2.values import Struct, from_json

FATAL = "FATAL"

_PROCESS = secrets.token_hex(5)
_COUNTER = itertools.count(secrets.randbelow(2**20))
_ACTIONS = itertools.count()


def new_id() -> str:
    """An id as the server's database makes them: 24 hexadecimal digits, unique and growing."""
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) % 2**24:06x}"


class ActionState(StrEnum):
    """How far an action is."""

    NEW = "NEW"
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FATAL = "FATAL"

    @property
    def is_finished(self) -> bool:
        """Whether it was answered."""
        return self in {ActionState.SUCCESS, ActionState.FATAL}


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it registered itself; `definition` is its JSON."""

    id: str
    name: str
    labels: Mapping[str, str]
    definition: Mapping[str, object]

    @classmethod
    def create(cls, name: str, labels: Mapping[str, str], definition: Mapping[str, object] | None = None) -> Self:
        """The pack of this name and these labels, which make its id as the server makes it."""
        pack_id = name + "".join(f".{key}.{labels[key]}" for key in sorted(labels))
        return cls(pack_id, name, labels, definition or {})

    def has_labels(self, labels: Mapping[str, str]) -> bool:
        """Whether the pack has all these labels."""
        return labels.items() <= self.labels.items()


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it came in; `at` is when, by the monotonic clock, `created_text` is `createdAt` as it was sent."""

    pack: Pack
    name: str
    payload: object
    created_at: datetime
    received_at: datetime
    created_text: str | None = None
    at: float = field(default_factory=time.monotonic)

    def as_struct(self) -> Struct:
        """The event as templates see it."""
        pack = Struct("execution.Pack", {"Id": self.pack.id, "Name": self.pack.name, "Labels": dict(self.pack.labels)})
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
    """A command for a pack, with its run and its trigger; `raw` is a body to answer `take` with as it is."""

    pack_name: str
    name: str
    input: object
    run: "FlowRun"
    step_id: str
    trigger: Event
    pack_labels: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes | None = None
    id: str = field(default_factory=new_id)
    sequence: int = field(default_factory=_ACTIONS.__next__)
    states: list[tuple[ActionState, datetime]] = field(default_factory=list)
    result: Event | None = None

    @property
    def state(self) -> ActionState:
        """How far it is."""
        return self.states[-1][0]


@dataclass(slots=True, eq=False)
class FlowRun:
    """One run of a flow, begun by an event; at most one action for each step."""

    flow: Flow | None
    correlation_id: str = field(default_factory=new_id)
    actions_by_step: dict[str, Action] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)

    def add(self, action: Action) -> None:
        """Note an action; of two from steps without an id, `actions` keeps the later, as the server does."""
        self.actions_by_step[action.step_id] = action
        self.actions.append(action)

    @property
    def is_finished(self) -> bool:
        """Whether no action is still to be answered."""
        return all(action.state.is_finished for action in self.actions)

    def has_finished(self, step_id: str) -> bool:
        """Whether a step has an action that was answered."""
        action = self.actions_by_step.get(step_id)
        return action is not None and action.state.is_finished
