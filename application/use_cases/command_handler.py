"""The interface of all command handlers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from domain.actions import ActionId, Step, StepName
from domain.events import Outcome

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class CommandRequest(Generic[C]):
    """A command to execute, or to resume where an earlier run of the pack stopped."""

    action_id: ActionId
    command: C
    steps: Mapping[StepName, Step]
    """The steps that an earlier run recorded; empty at first."""
    taken_at: datetime
    """When the action was taken, by the pack's clock at that time."""


class CommandHandler(Protocol[C]):
    """Executes one command."""

    async def execute(self, request: CommandRequest[C]) -> Outcome:
        """Executes the command, and returns how it ended.

        Raises ShutdownRequested if the pack is to end before; the journal then holds the progress.
        """
