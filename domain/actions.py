"""Actions taken from the workflow engine, and how far each has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from domain.channels import ChannelId
from domain.commands import Command
from domain.events import Outcome
from domain.messages import Receipt

ActionId = NewType("ActionId", str)
"""How the workflow engine names an action that it gave out. Opaque."""


@dataclass(frozen=True, slots=True)
class Action:
    """One command that the workflow engine handed to this pack, to be carried out and answered once."""

    id: ActionId
    command: Command


class ActionState(Enum):
    """How far an action has come."""

    TAKEN = "taken"
    """On disk; nothing has been tried."""
    EXECUTING = "executing"
    """A step has begun."""
    COMPLETED = "concluded"
    """The outcome is known and not answered yet."""
    REPORTED = "finished"
    """The workflow engine has the answer."""
    DEAD_LETTERED = "set aside"
    """The answer could not be brought to the engine; kept until somebody decides."""


@dataclass(frozen=True, slots=True)
class Step:
    """One post of an action."""

    begun_at: datetime | None = None
    """When its first request was about to go out; None: nothing went out."""
    receipt: Receipt | None = None
    error: str = ""
    """Why it failed for good; empty unless it did."""

    @property
    def is_complete(self) -> bool:
        """Whether its end is known."""
        return self.receipt is not None or bool(self.error)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An action in hand, and what was done for it."""

    action: Action
    taken_at: datetime
    state: ActionState = ActionState.TAKEN
    steps: Mapping[ChannelId, Step] = field(default_factory=dict)
    """By channel, in the order of `plan`."""
    outcome: Outcome | None = None
    completed_at: datetime | None = None
    dead_letter_reason: str = ""
