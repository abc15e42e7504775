"""Looks events and actions up in Flyte's audit, which may be missing or incomplete."""

from collections.abc import AsyncIterator

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from application.ports.workflow import Completion, OpenActions
from domain.actions import ActionId
from domain.commands import UnreadableCommand
from domain.errors import PackNotRegistered, WorkflowError, WorkflowServerError, WorkflowUnreachable
from domain.events import BroadcastSent, Fatal, Outcome
from domain.outbox import outbox_entry
from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import LONG_AGO, NOON, received_message
from tests.support.flyte import ECHO, LISTENER, registered

NONE_OPEN = OpenActions([], [])
ASKED = [outbox_entry(received_message("1.1").message, NOON)]


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[ECHO]) as flyte:
        yield flyte


async def _published(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    await workflow.publish(received_message("1.1"), NOON)
    await flyte.wait_for(flyte.waiting)


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(401),
        faults.status(403),
        faults.status(404),
        faults.status(405),
        faults.status(504),
        faults.html(),
        faults.malformed(),
        faults.redirect("http://elsewhere.example/"),
        Hang(),
    ],
)
async def test_an_unreadable_audit_leaves_everything_unknown(
    flyte: FlyteServer, workflow: FlyteWorkflow, fault: Fault
) -> None:
    await _published(flyte, workflow)
    action = await workflow.take()
    assert action is not None
    flyte.faults.plan("audit", fault, times=None)
    assert await workflow.were_published(ASKED) == [False]
    assert await workflow.completion_of(action.id) is Completion.UNKNOWN
    assert await workflow.open_actions(LONG_AGO) == NONE_OPEN


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.status(429), WorkflowUnreachable),
        (faults.status(500), WorkflowServerError),
        (faults.status(502), WorkflowUnreachable),
        (faults.status(503), WorkflowUnreachable),
        (Reset(), WorkflowUnreachable),
    ],
)
async def test_a_failed_audit_query_can_be_repeated(
    flyte: FlyteServer, workflow: FlyteWorkflow, fault: Fault, kind: type[WorkflowError]
) -> None:
    flyte.faults.plan("audit", fault, times=None)
    for question in (
        workflow.were_published(ASKED),
        workflow.completion_of(_action_id(flyte, "1")),
        workflow.open_actions(LONG_AGO),
    ):
        with pytest.raises(kind):
            await question


def _action_id(flyte: FlyteServer, action_id: str) -> ActionId:
    return ActionId(f"{flyte.api_url}/v1/packs/Slack.env.test.region.eu/actions/{action_id}/result")


async def test_an_audit_without_access_leaves_everything_unknown() -> None:
    async with (
        FlyteServer(jwt="jot", forbidden_routes=["audit"], flows=[ECHO]) as flyte,
        registered(flyte, jwt="jot") as workflow,
    ):
        await _published(flyte, workflow)
        assert await workflow.were_published(ASKED) == [False]


async def test_the_audit_is_not_queried_before_the_registration() -> None:
    workflow = FlyteWorkflow("http://127.0.0.1:1")
    async with workflow.open():
        for question in (
            workflow.were_published(ASKED),
            workflow.completion_of(ActionId("http://x/a/b")),
            workflow.open_actions(LONG_AGO),
        ):
            with pytest.raises(PackNotRegistered):
                await question


async def test_a_message_that_triggered_another_packs_action_was_published() -> None:
    async with FlyteServer(flows=[LISTENER]) as flyte, registered(flyte) as workflow:
        await workflow.publish(received_message("1.1"), NOON)
        await flyte.wait_for(lambda: flyte.waiting("Other"))
        assert await workflow.were_published(ASKED) == [True]


async def test_an_event_that_triggered_nothing_is_not_known_to_be_published() -> None:
    async with FlyteServer() as flyte, registered(flyte) as workflow:
        await workflow.publish(received_message("1.1"), NOON)
        assert await workflow.were_published(ASKED) == [False]


async def test_messages_found_for_this_pack_count_even_if_the_wider_query_fails(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    await _published(flyte, workflow)
    flyte.faults.plan("audit", Slow(0))
    flyte.faults.plan("audit", faults.status(500), times=None)
    assert await workflow.were_published([*ASKED, outbox_entry(received_message("1.2").message, NOON)]) == [
        True,
        False,
    ]


async def test_one_query_is_enough_if_it_finds_all_messages(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    await _published(flyte, workflow)
    assert await workflow.were_published(ASKED) == [True]
    assert flyte.counts["audit", 200] == 1


async def test_an_event_with_a_lost_response_is_found_published(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    flyte.faults.plan("event", Reset(after_effect=True))
    with pytest.raises(WorkflowError):
        await workflow.publish(received_message("1.1"), NOON)
    await flyte.wait_for(flyte.waiting)
    assert await workflow.were_published(ASKED) == [True]


@pytest.mark.parametrize("outcome", [Fatal("x"), BroadcastSent("hello", ())])
async def test_a_result_with_a_lost_response_is_found_completed(
    flyte: FlyteServer, workflow: FlyteWorkflow, outcome: Outcome
) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    action = await workflow.take()
    assert action is not None
    flyte.faults.plan("result", Reset(after_effect=True))
    with pytest.raises(WorkflowError):
        await workflow.complete(action.id, outcome, NOON)
    assert await workflow.completion_of(action.id) is Completion.RECEIVED


async def test_a_pending_action_has_the_id_that_take_returned(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    assert [await workflow.take()] == (await workflow.open_actions(LONG_AGO)).taken


async def test_a_pending_action_is_found_behind_a_thousand_newer_runs(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "old"})
    taken = await workflow.take()
    for number in range(1_000):
        flyte.raise_event("Slack", "ReceivedMessage", {"number": number})
    assert taken in (await workflow.open_actions(LONG_AGO)).taken


async def test_a_completed_action_behind_a_thousand_newer_runs_is_found_by_a_search_since_it_was_taken(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "old"})
    since = workflow.now()
    action = await workflow.take()
    assert action is not None
    await workflow.complete(action.id, Fatal("x"), NOON)
    for number in range(1_000):
        flyte.raise_event("Slack", "ReceivedMessage", {"number": number})
    assert await workflow.completion_of(action.id) is Completion.UNKNOWN
    assert await workflow.completion_of(action.id, since) is Completion.RECEIVED


async def test_a_pending_action_with_unreadable_input_has_an_unreadable_command(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    flyte.queue_action("Slack", "Broadcast", [1])
    await workflow.take()
    [action] = (await workflow.open_actions(LONG_AGO)).taken
    assert action.command == UnreadableCommand("Broadcast", "input must be a JSON object, not a list")
