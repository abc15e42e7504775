"""The workflow engine in memory."""

from collections.abc import Iterable

import pytest

from adapters.memory.workflow import MemoryWorkflow
from adapters.serialization.event_payloads import event_name, event_payload
from domain.actions import ActionId
from domain.commands import Broadcast, Command
from domain.events import Event, Fatal, ReceivedMessage
from tests.contracts.workflow_contract import DEFINITION, NOON, Engine, EngineEvent, WorkflowContract, received_message


class MemoryEngine:
    def __init__(self, workflow: MemoryWorkflow) -> None:
        self._workflow = workflow

    def enqueue(self, command: Command) -> None:
        self._workflow.enqueue(command)

    def forget_pack(self) -> None:
        self._workflow.forget_pack()

    def unknown_action_id(self, like: ActionId) -> ActionId:
        return ActionId(f"{like}-unknown")

    def results(self) -> list[EngineEvent]:
        return [(event_name(outcome), event_payload(outcome), at) for outcome, at in self._workflow.outcomes.values()]

    def events(self) -> list[EngineEvent]:
        return [(event_name(event), event_payload(event), at) for event, at in self._workflow.published]

    def shift_clock(self, seconds: float) -> None:
        self._workflow.clock_offset_seconds = seconds

    async def wait_until_processed(self) -> None:
        """Does nothing: events are processed when `publish` returns."""


class TestMemoryWorkflow(WorkflowContract):
    @pytest.fixture
    def workflow(self) -> MemoryWorkflow:
        return MemoryWorkflow()

    @pytest.fixture
    def engine(self, workflow: MemoryWorkflow) -> Engine:
        return MemoryEngine(workflow)


def _echo(event: Event) -> Iterable[Command]:
    if isinstance(event, ReceivedMessage):
        yield Broadcast(event.message.text)


async def test_commands_returned_by_flows_are_queued_as_actions() -> None:
    workflow = MemoryWorkflow(on_event=_echo)
    await workflow.register(DEFINITION)
    await workflow.publish(received_message("1.1", "hello"), NOON)
    action = await workflow.take()
    assert action is not None
    assert action.command == Broadcast("hello")


async def test_until_waits_for_a_condition() -> None:
    workflow = MemoryWorkflow()
    await workflow.register(DEFINITION)
    action_id = workflow.enqueue(Broadcast("hello"))
    await workflow.take()
    await workflow.complete(action_id, Fatal("x"), NOON)
    await workflow.until(lambda: action_id in workflow.outcomes)
    with pytest.raises(TimeoutError):
        await workflow.until(lambda: len(workflow.outcomes) > 1, seconds=0.01)
