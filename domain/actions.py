"""Actions taken from the workflow engine, and how far each has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType, TypeAlias

from domain.commands import Command
from domain.events import Outcome
from domain.json_values import JsonObject
from domain.messages import Receipt

ActionId = NewType("ActionId", str)
"""The workflow engine's name for an action. Opaque."""


def action_key(action_id: ActionId) -> str:
    """Returns the key of an action for operators and the log: the second to last part of an id that is a URL, otherwise
    the whole id.
    """
    return action_id.rstrip("/").rpartition("/")[0].rpartition("/")[2] or action_id


@dataclass(frozen=True, slots=True)
class Action:
    """One command handed to this pack by the workflow engine, to be executed and completed once."""

    id: ActionId
    command: Command
    trace_parent: str | None = None
    """The trace context, as a W3C `traceparent`; None if the action is not traced."""
    cause: str = field(default="", compare=False)
    """The key of the message that led to the action, if the engine's record names it. It is not stored."""


class ActionState(Enum):
    """How far an action has come: TAKEN -> EXECUTING -> COMPLETED -> REPORTED or DEAD_LETTERED."""

    TAKEN = "taken"
    """Stored; nothing has been attempted."""
    EXECUTING = "executing"
    """A step has begun."""
    COMPLETED = "concluded"
    """The outcome is known but not reported yet."""
    REPORTED = "finished"
    """The workflow engine has the outcome."""
    DEAD_LETTERED = "set aside"
    """The outcome could not be reported; kept until an operator decides."""


StepName = NewType("StepName", str)
"""Identifies a step within its action. A post is named for its channel."""

StepResult: TypeAlias = Receipt | JsonObject
"""The result of a successful step: a post, or whatever the command needs to resume after an interruption."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request to the chat service that an action makes, such as a post into one channel."""

    begun_at: datetime | None = None
    """When the first request was about to be sent; None if none was."""
    result: StepResult | None = None
    error: str = ""
    """Why the step failed permanently; empty unless it did."""

    @property
    def is_complete(self) -> bool:
        """Whether the step succeeded or failed permanently."""
        return self.result is not None or bool(self.error)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An action and the record of its execution."""

    action: Action
    taken_at: datetime
    state: ActionState = ActionState.TAKEN
    steps: Mapping[StepName, Step] = field(default_factory=dict)
    """The steps, in the order in which they were planned."""
    outcome: Outcome | None = None
    completed_at: datetime | None = None
    dead_letter_reason: str = ""
