"""Connects the in-memory workflow adapter with the simulated Flyte, which runs the flows."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from adapters.memory.workflow import MemoryWorkflow
from adapters.serialization.command_inputs import parse_command
from adapters.serialization.event_payloads import event_name, event_payload
from domain.commands import Command
from domain.events import Event, ReceivedEvent, ReceivedMessage
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.local_pack import LocalPack
from entrypoints.simulation.flyte.models import Action, Pack

if TYPE_CHECKING:
    from domain.actions import ActionId


class MemoryBridge:
    """Forwards the events and results of a MemoryWorkflow to a Flyte, and Flyte's actions to the workflow."""

    def __init__(self, flyte: Flyte, name: str = "Slack", labels: Mapping[str, str] | None = None) -> None:
        self.workflow = MemoryWorkflow(self._on_published)
        self._pack = LocalPack(flyte, Pack.create(name, labels or {}), self._enqueue)
        self._actions: dict[ActionId, Action] = {}

    def _on_published(self, event: Event) -> Iterable[Command]:
        """Forwards an event or result; the actions of its flows are enqueued after they have run."""
        if isinstance(event, ReceivedMessage | ReceivedEvent):
            self._pack.raise_event(event_name(event), event_payload(event))
        else:
            newest = next(reversed(self.workflow.outcomes))
            self._pack.complete(self._actions.pop(newest), event_name(event), event_payload(event))
        return ()

    def _enqueue(self, action: Action) -> None:
        command = parse_command(action.name, action.input)  # type: ignore[arg-type] # flows produce JSON only
        self._actions[self.workflow.enqueue(command)] = action
