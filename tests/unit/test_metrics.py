"""What is counted on the way from Slack to Flyte and back. Requests: tests/adapters/test_metrics_of_requests.py."""

import pytest

from application.policies import WhenInDoubt
from domain.commands import ChatCommand, SendMessage, UnknownCommand, UnreadableCommand
from domain.errors import (
    ChatRejected,
    InDoubt,
    LeaseLost,
    StorageUnavailable,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.messages import OutgoingMessage
from domain.users import User
from tests.support.environment import pack_settings
from tests.support.metrics import MeasuredWorld

DOWN = WorkflowUnreachable("connection refused")
LOST = InDoubt("internal_error", "Slack answered with an error of its own")
LOST_EVENT = WorkflowInDoubt("connection reset")
BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> MeasuredWorld:
    world = MeasuredWorld()
    await world.join(world.c1)
    return world


def hello(world: MeasuredWorld) -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, "hello"))


# From Slack to Flyte


async def test_arrivals_are_counted_by_what_becomes_of_them(world: MeasuredWorld) -> None:
    world.chat.add_channel("C3", has_bot=True)

    async with world.pack():
        message = world.chat.say("C1", "hello")
        world.receiver.deliver(message)
        world.chat.say("C3", "in a channel that is not joined")
        world.chat.react(message, "eyes")
        world.chat.click("C2", "approve")
        await world.clock.advance(1)

    assert world.metrics.above_zero("arrivals_total") == {
        ("message", "stored"): 1,
        ("message", "repeated"): 1,
        ("message", "ignored"): 1,
        ("reaction", "stored"): 1,
        ("block_action", "stored"): 1,
    }


async def test_messages_from_the_history_are_counted_apart(world: MeasuredWorld) -> None:
    await world.clock.advance(60)
    with world.undelivered():
        world.chat.say("C1", "missed")

    async with world.pack():
        world.chat.say("C1", "live")
        await world.clock.advance(10)

    arrivals = world.metrics.above_zero("arrivals_total")
    assert arrivals == {("message", "caught_up"): 1, ("message", "stored"): 1}


async def test_an_interaction_that_could_not_be_stored_in_time_counts_as_dropped(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.fail_before("outbox.append", BROKEN)
        world.chat.click("C1", "approve")
        await world.clock.advance(5)
        world.faults.lift("outbox.append")

    assert world.metrics.above_zero("arrivals_total") == {("block_action", "dropped"): 1}


async def test_an_interaction_that_was_stored_too_late_counts_as_a_window(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.delay("outbox.append", 2.6)
        world.chat.click("C1", "approve")
        await world.clock.advance(5)

    assert world.metrics.above_zero("windows_total") == {("late_interaction",): 1}


async def test_the_delivery_of_an_event_takes_from_its_arrival_to_the_engines_answer(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.fail_before("publish", DOWN)
        world.chat.say("C1", "hello")
        await world.clock.advance(20)
        world.faults.lift("publish")
        await world.clock.advance(40)

    assert world.metrics.value("event_delivery_seconds_count", event="ReceivedMessage") == 1
    assert 20 <= world.metrics.value("event_delivery_seconds_sum", event="ReceivedMessage") <= 60
    assert world.metrics.value("event_delivery_seconds_bucket", event="ReceivedMessage", le="10.0") == 0


async def test_a_delivery_that_only_the_audit_confirms_counts_once(world: MeasuredWorld) -> None:
    world.faults.fail_after("publish", LOST_EVENT, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.metrics.value("event_delivery_seconds_count", event="ReceivedMessage") == 1
    assert world.metrics.above_zero("windows_total") == {}


async def test_an_event_that_is_published_again_after_a_doubt_counts_as_a_window(world: MeasuredWorld) -> None:
    world.faults.fail_before("publish", LOST_EVENT, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.metrics.above_zero("windows_total") == {("unseen_event",): 1}
    assert world.metrics.value("event_delivery_seconds_count", event="ReceivedMessage") == 1


async def test_a_message_of_a_bot_that_is_ignored_late_counts_as_no_delivery(world: MeasuredWorld) -> None:
    world.chat.add_user(User("U2", "Robot", is_bot=True))

    async with world.pack():
        world.chat.say("C1", "beep", user_id="U2")
        await world.clock.advance(1)

    assert world.metrics.above_zero("arrivals_total") == {("message", "stored"): 1}
    assert world.metrics.above_zero("outbox_entries") == {}
    assert world.metrics.sum("event_delivery_seconds_count") == 0


# From Flyte to Slack


async def test_actions_are_counted_by_command_and_outcome(world: MeasuredWorld) -> None:
    world.faults.fail_before("post", ChatRejected("is_archived", "it is archived"), times=1)

    async with world.pack():
        await world.outcome(hello(world))
        await world.outcome(hello(world))
        await world.outcome(UnreadableCommand("SendMessage", "message: not a string"))
        await world.outcome(UnknownCommand("Unheard"))
        await world.outcome(ChatCommand("GetPermalink", {"channelId": "C1", "timestamp": "0"}))

    assert world.metrics.above_zero("actions_total") == {
        ("SendMessage", "failed"): 1,
        ("SendMessage", "succeeded"): 1,
        ("SendMessage", "fatal"): 1,
        ("other", "fatal"): 1,
        ("GetPermalink", "failed"): 1,
    }


async def test_an_action_takes_until_the_engine_has_its_result(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.fail_before("complete", DOWN)
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(30)
        world.faults.lift("complete")
        await world.answer(action, within=60)
        await world.clock.advance(1)

    assert world.metrics.value("action_seconds_count", command="SendMessage") == 1
    assert 30 <= world.metrics.value("action_seconds_sum", command="SendMessage") <= 91


async def test_an_action_that_survives_a_kill_is_measured_from_its_taking(world: MeasuredWorld) -> None:
    world.faults.fail_before("complete", DOWN)
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(30)
    world.faults.lift("complete")

    async with world.pack():
        await world.answer(action, within=60)
        await world.clock.advance(1)

    assert world.metrics.value("action_seconds_sum", command="SendMessage") == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    ("is_performed", "when_in_doubt", "search_fails", "resolutions"),
    [
        (True, WhenInDoubt.FAIL, False, ["found"]),
        (False, WhenInDoubt.FAIL, False, ["not_found"]),
        (True, WhenInDoubt.FAIL, True, ["failed"]),
        (True, WhenInDoubt.RESEND, True, ["resent"]),
    ],
)
async def test_a_doubt_is_counted_by_its_resolution(
    world: MeasuredWorld, is_performed: bool, when_in_doubt: WhenInDoubt, search_fails: bool, resolutions: list[str]
) -> None:
    (world.faults.fail_after if is_performed else world.faults.fail_before)("post", LOST, times=1)
    if search_fails:
        world.faults.fail_before("find_posted", ChatRejected("missing_scope", "add channels:history"))

    async with world.pack(pack_settings(when_in_doubt=when_in_doubt)):
        await world.outcome(hello(world), within=65)

    assert world.metrics.above_zero("doubts_total") == {(resolution,): 1 for resolution in resolutions}
    assert world.metrics.above_zero("windows_total") == ({("no_mark",): 1} if search_fails else {})


async def test_a_request_in_doubt_that_is_simply_repeated_counts_as_repeated(world: MeasuredWorld) -> None:
    posted = world.chat.say("C1", "hello")
    world.faults.fail_before("add_reaction", LOST, times=1)

    async with world.pack():
        reacts = ChatCommand("AddReaction", {"channelId": "C1", "timestamp": posted.timestamp, "reaction": "eyes"})
        await world.outcome(reacts, within=10)

    assert world.metrics.above_zero("doubts_total") == {("repeated",): 1}


async def test_a_result_that_the_engine_can_not_confirm_counts_as_a_window(world: MeasuredWorld) -> None:
    world.faults.fail_before("complete", WorkflowServerError("500"))

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        world.engine.record_as_waiting(action)
        await world.clock.advance(400)

    assert world.metrics.above_zero("windows_total") == {("unconfirmed_result",): 1}


async def test_an_action_whose_lease_is_found_lost_after_it_was_executed_counts_as_a_window(
    world: MeasuredWorld,
) -> None:
    world.faults.fail_before("journal.set_outcome", LeaseLost("C1"), times=1)

    async with world.pack():
        world.engine.enqueue(hello(world))
        await world.clock.advance(1)

    assert world.metrics.above_zero("windows_total") == {("frozen_before_post",): 1}
