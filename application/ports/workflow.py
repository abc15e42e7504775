"""The workflow engine: actions to execute, and events to publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from domain.actions import Action, ActionId
from domain.events import Outcome, PackEvent
from domain.outbox import OutboxEntry


@dataclass(frozen=True, slots=True)
class CommandDefinition:
    """A command, and the names of the events that it can end in."""

    name: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackDefinition:
    """What the pack registers itself with."""

    name: str
    labels: Mapping[str, str]
    commands: tuple[CommandDefinition, ...]
    events: tuple[str, ...]


class Completion(Enum):
    """What the engine knows of the outcome of an action that this pack has taken."""

    RECEIVED = "received"
    MISSING = "missing"
    CONTRADICTORY = "contradictory"
    """The engine lists the action as not taken, so its record is out of date."""
    UNKNOWN = "unknown"
    """The engine can't tell."""


@dataclass(frozen=True, slots=True)
class OpenActions:
    """Actions for this pack that have no outcome, by the engine's record. Both lists begin with the oldest."""

    taken: list[Action]
    """Actions taken by this pack, or by another one with its name and labels."""
    waiting: list[Action]
    """Actions waiting to be taken, or taken a moment ago. The record of an action can stay in this state for good,
    although it was taken: if no `take` returns it, and nothing else waits either."""


class Workflow(Protocol):
    """The workflow engine. No method waits for a better moment or repeats a request.

    Every method can raise WorkflowUnreachable (retry later; PathRefused, if registering again does not help),
    WorkflowServerError (the engine failed), WorkflowUnauthorized, and PackNotRegistered (register again; also before
    the first registration). Methods that change something can raise WorkflowInDoubt: the request was sent and no answer
    came. Cancellation leaves unknown whether a request took effect.
    """

    def now(self) -> datetime:
        """Returns the current time by the engine's clock (UTC), as far as its answers have told.

        A step of the pack's own clock has no effect on it, except before the first answer, when it is the pack's own
        time. Precise to about a second.
        """

    async def register(self, definition: PackDefinition) -> None:
        """Registers the pack. Repeating it is safe (never WorkflowInDoubt). Raises RejectedByWorkflow."""

    async def take(self) -> Action | None:
        """Takes the oldest action waiting for this pack, which has to complete it; None if there is none.

        Raises ActionTakenElsewhere if another replica took it, and WorkflowInDoubt if an action may have been given
        out and lost. Unreadable input yields an UnreadableCommand. An action that can't be completed, for lack of a
        result link, is logged, and None is returned.
        """

    async def complete(
        self, action_id: ActionId, outcome: Outcome, at: datetime, *, trace_parent: str | None = None
    ) -> None:
        """Reports how an action ended. Flows get the trace context if one is given.

        Raises WorkflowServerError also if the action is complete already, PackNotRegistered also if the engine does
        not know the action, and RejectedByWorkflow if the outcome is rejected; the action then stays open.
        """

    async def publish(self, event: PackEvent, at: datetime, *, trace_parent: str | None = None) -> None:
        """Publishes an event received at `at` (UTC, whole milliseconds). Raises RejectedByWorkflow.

        Flows get the trace context if one is given. The engine does not recognize repeats: every call that returns is
        one event.
        """

    async def completion_of(self, action_id: ActionId, since: datetime | None = None) -> Completion:
        """Returns whether the engine has the outcome of this action. An expensive query.

        The engine looks at its newest actions only. With `since`, the time by the pack's clock at which the action was
        taken, it looks at all actions since then: a far more expensive query, never to be made in a loop.
        """

    async def were_published(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        """Returns for each entry whether the engine has certainly processed its event, by content and `received_at`.

        False where the engine can't tell. An expensive query, never to be made in a loop.
        """

    async def open_actions(self, since: datetime) -> OpenActions:
        """Returns the actions without an outcome.

        May leave out those taken before `since`. Empty where the engine can't tell. An expensive query.
        """
