"""What the pack needs from a workflow engine: actions to carry out, and an ear for events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.actions import Action, ActionId
from domain.events import Outcome, ReceivedMessage
from domain.messages import IncomingMessage


@dataclass(frozen=True, slots=True)
class CommandDefinition:
    """One command, and the names of the events that it can end in."""

    name: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackDefinition:
    """What the pack registers itself with."""

    name: str
    labels: Mapping[str, str]
    commands: tuple[CommandDefinition, ...]
    events: tuple[str, ...]


class Workflow(Protocol):
    """The workflow engine, asked once: no method waits for a better moment or repeats a request.

    Every method can raise WorkflowUnreachable (ask again later), NotTaken (a failure on the engine's side),
    NotAuthorised, PackUnknown (register again; before the first registration too). Those that change something can
    raise WorkflowInDoubt: the request went out and no answer came. Cancellation leaves unknown whether a request
    took effect.
    """

    async def register(self, offer: PackDefinition) -> None:
        """Make the pack known, or known again; doing it twice does no harm (never WorkflowInDoubt). Malformed."""

    async def take(self) -> Action | None:
        """The oldest action waiting for this pack, which is now this pack's to answer; None when there is none.

        RaceLost: another replica took it. WorkflowInDoubt: an action may have been given out and lost.
        An action whose input can't be read is one with an UnreadableCommand; one that can't be answered (without a
        result link) is logged, and None is returned.
        """

    async def complete(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """Answer the action. NotTaken also when it was answered already. PackUnknown also when the engine does not
        know the action. Malformed: the outcome is refused, the action stays open.
        """

    async def publish(self, event: ReceivedMessage, at: datetime) -> None:
        """Tell of an event that happened at `at` (UTC, whole milliseconds). Malformed: refused for what it says.

        The engine does not recognise repeats: every call that returns is one event.
        """

    async def is_completed(self, action_id: ActionId) -> bool | None:
        """Whether the engine holds an answer to this action. None: the engine can't tell. A heavy question."""

    async def were_published(self, messages: Sequence[tuple[IncomingMessage, datetime]]) -> list[bool]:
        """For each message with its `at`: whether the engine has certainly processed its ReceivedMessage event,
        recognised by channel, timestamp and `at`. False where nobody can tell. A heavy question, never to be asked
        in a loop.
        """

    async def pending_actions(self, since: datetime) -> list[Action]:
        """The actions that the engine holds to be in this pack's hands and unanswered; those given out before `since`
        may be left out. Empty where the engine can't
        tell. A heavy question.
        """
