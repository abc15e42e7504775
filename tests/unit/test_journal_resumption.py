"""Actions in the journal when the pack is killed, when the storage fails, and at shutdown: none is lost or repeated.

Posts of such actions: test_posting_interrupted_by_kill.py.
"""

import pytest

from domain.actions import ActionId, ActionState
from domain.commands import JoinChannel, LeaveChannel, SendMessage, UnknownCommand
from domain.errors import (
    RateLimited,
    StorageUnavailable,
    Unreachable,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import ChannelLeft, MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import World

BROKEN = StorageUnavailable("disk full")
DOWN = WorkflowUnreachable("connection refused")


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def states(world: World, *actions: ActionId) -> list[ActionState]:
    return [(await world.in_journal(action)).state for action in actions]


# After a kill


async def test_an_action_taken_but_not_begun_before_a_kill_is_executed(world: World) -> None:
    world.faults.fail_before("post", RateLimited(300), times=1)
    async with world.killed_pack():
        world.engine.enqueue(hello(world, "rate limited"))
        await world.clock.advance(1)
        action = world.engine.enqueue(hello(world, "behind it"))
        await world.clock.advance(2)
    assert await states(world, action) == [ActionState.TAKEN]

    async with world.pack():
        await world.answer(action, within=320)

    assert world.texts == ["rate limited", "behind it"]
    assert world.faults.count("take") >= 2


async def test_a_join_interrupted_by_a_kill_is_repeated(world: World) -> None:
    c3 = world.chat.add_channel("C3")
    world.faults.block("channels.join")
    async with world.killed_pack():
        action = world.engine.enqueue(JoinChannel(c3))
        await world.clock.advance(2)
    world.faults.lift("channels.join")

    async with world.pack():
        await world.answer(action)

    assert c3 in await world.storage.channels.joined()


async def test_an_outcome_not_reported_before_a_kill_is_reported_unchanged(world: World) -> None:
    world.faults.block("complete")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        concluded = await world.in_journal(action)
    world.faults.lift("complete")
    assert concluded.state is ActionState.COMPLETED
    await world.clock.advance(1000)

    async with world.pack():
        await world.answer(action)

    assert world.engine.outcomes[action] == (concluded.outcome, concluded.completed_at)
    assert world.texts == ["hello"]
    assert await states(world, action) == [ActionState.REPORTED]


async def test_actions_in_the_journal_are_executed_before_new_ones_are_taken(world: World) -> None:
    world.faults.block("post")
    async with world.killed_pack():
        for number in range(3):
            world.engine.enqueue(hello(world, f"old {number}"))
            await world.clock.advance(1)
    world.faults.lift("post")
    new = world.engine.enqueue(hello(world, "new"))

    async with world.pack():
        await world.answer(new, within=70)

    assert world.texts == ["old 0", "old 1", "old 2", "new"]


async def test_more_orphans_than_one_claim_takes_are_all_resumed(world: World) -> None:
    world.faults.block("complete")
    async with world.killed_pack():
        actions = [world.engine.enqueue(UnknownCommand("SendFax")) for _ in range(150)]
        await world.clock.advance(10)
    world.faults.lift("complete")

    async with world.pack():
        await world.clock.advance(3)

    assert set(world.engine.outcomes) == set(actions)


# During a storage outage


@pytest.mark.parametrize(
    "method",
    ["journal.record", "rate_limiter.reserve", "journal.begin_step", "journal.set_outcome", "journal.mark_reported"],
)
async def test_a_storage_outage_neither_loses_nor_doubles_an_action(world: World, method: str) -> None:
    async with world.pack():
        world.faults.fail_before(method, BROKEN)
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(30)
        assert not world.is_healthy("storage")
        world.faults.lift(method)
        await world.clock.advance(10)
        assert world.is_healthy("storage")

    assert action in world.engine.outcomes
    assert world.texts == ["hello"]
    assert world.faults.count("complete") == 1
    assert await states(world, action) == [ActionState.REPORTED]


# At shutdown


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("post", RateLimited(300)),
        ("journal.record", BROKEN),
        ("rate_limiter.reserve", BROKEN),
        ("journal.begin_step", BROKEN),
        ("journal.set_outcome", BROKEN),
        ("journal.mark_reported", BROKEN),
        ("complete", DOWN),
        ("complete", WorkflowServerError("500")),
    ],
)
async def test_a_shutdown_during_a_retry_keeps_the_action_for_the_next_start(
    world: World, method: str, error: Exception
) -> None:
    world.faults.fail_before(method, error)
    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(3)
    world.faults.lift(method)

    async with world.pack():
        outcome = await world.answer(action, within=320)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_a_post_in_progress_is_finished_and_recorded_before_shutdown(world: World) -> None:
    world.faults.block("post")

    async with world.pack() as process:
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        process.shutdown().request()
        await world.clock.advance(0)
        world.faults.lift("post")

    entry = await world.in_journal(action)
    assert entry.state is ActionState.REPORTED
    assert isinstance(entry.outcome, MessageSent)


async def test_a_poll_in_progress_is_finished_before_shutdown_and_its_action_recorded(world: World) -> None:
    async with world.pack() as process:
        await world.clock.advance(2)
        world.faults.block("take")
        await world.clock.advance(2)
        action = world.engine.enqueue(hello(world))
        process.shutdown().request()
        await world.clock.advance(0)
        world.faults.lift("take")

    assert await states(world, action) == [ActionState.TAKEN]
    assert not world.chat.posts


async def test_no_action_begins_after_shutdown_was_requested(world: World) -> None:
    world.faults.block("post")

    async with world.pack() as process:
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(5)]
        await world.clock.advance(2)
        process.shutdown().request()
        await world.clock.advance(0)
        world.faults.lift("post")

    assert world.texts == ["0"]
    assert await states(world, *actions[1:]) == [ActionState.TAKEN] * 4


async def test_messages_before_a_kill_are_received_before_the_channel_is_left(world: World) -> None:
    world.faults.block("leave")
    async with world.killed_pack():
        leaving = world.engine.enqueue(LeaveChannel(world.c1))
        await world.clock.advance(2)
        with world.undelivered():
            world.chat.say("C1", "just before")
    world.faults.lift("leave")

    async with world.pack():
        assert isinstance(await world.answer(leaving, within=10), ChannelLeft)
        await world.clock.advance(1)

    assert world.published_texts == ["just before"]


async def test_an_unreadable_history_delays_leaving_for_seconds_only(world: World) -> None:
    world.faults.fail_before("history", Unreachable("unreachable", "no connection"))
    async with world.pack():
        assert isinstance(await world.outcome(LeaveChannel(world.c1), within=12), ChannelLeft)
