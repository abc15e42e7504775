"""A FlyteWorkflow connected to a simulated Flyte."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from yarl import URL

from adapters.flyte.workflow import FlyteWorkflow
from adapters.serialization.command_inputs import command_input
from application.catalog.events import EVENTS
from domain.actions import Action, ActionId
from domain.commands import Command, command_name
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, EngineEvent

if TYPE_CHECKING:
    from domain.json_values import Json

LISTENER = flow_from_values(
    {
        "name": "listener",
        "steps": [
            {
                "event": {"packName": "Slack", "name": spec.name},
                "command": {"packName": "Other", "name": "Note", "input": {"text": "{{ Event.Payload.message }}"}},
            }
            for spec in EVENTS
        ],
    },
    "listener",
)
"""A flow that queues an action of another pack for every event."""

ECHO = flow_from_values(
    {
        "name": "echo",
        "steps": [
            {
                "event": {"packName": "Slack", "name": "ReceivedMessage"},
                "command": {"packName": "Slack", "name": "Broadcast", "input": {"message": "x"}},
            }
        ],
    },
    "echo",
)
"""A flow that queues a Broadcast for every message."""


@asynccontextmanager
async def registered(
    flyte: FlyteServer, *, jwt: str = "", timeout_seconds: float = 5.0
) -> AsyncIterator[FlyteWorkflow]:
    """Returns a workflow that has registered with this Flyte."""
    workflow = FlyteWorkflow(flyte.api_url, jwt=jwt, timeout_seconds=timeout_seconds)
    async with workflow.open():
        await workflow.register(DEFINITION)
        yield workflow


class FlyteEngine:
    """A simulated Flyte as its flows see it."""

    def __init__(self, flyte: FlyteServer) -> None:
        self._flyte = flyte

    def enqueue(self, command: Command) -> None:
        """Implements Engine."""
        self._flyte.queue_action("Slack", command_name(command), command_input(command))

    def forget_pack(self) -> None:
        """Implements Engine."""
        self._flyte.unregister_packs()

    def unknown_action_id(self, like: ActionId) -> ActionId:
        """Implements Engine."""
        return ActionId(str(URL(like).parent.parent / "000000000000000000000000" / "result"))

    def results(self) -> list[EngineEvent]:
        """Implements Engine."""
        return [(event.name, cast("Json", event.payload), event.created_at) for event in self._flyte.results.values()]

    def events(self) -> list[EngineEvent]:
        """Implements Engine."""
        return [(event.name, cast("Json", event.payload), event.created_at) for event in self._flyte.events]

    def shift_clock(self, seconds: float) -> None:
        """Implements Engine."""
        self._flyte.clock_offset_seconds = seconds

    async def wait_until_processed(self) -> None:
        """Implements Engine."""
        await self._flyte.wait_for(lambda: self._flyte.waiting("Other") == len(self._flyte.events))


async def taken(workflow: FlyteWorkflow) -> Action:
    """Takes the action that waits."""
    action = await workflow.take()
    assert action is not None
    return action
