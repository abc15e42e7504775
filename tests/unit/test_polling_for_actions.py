"""Polling for actions: when, how often, in which order and how many."""

import itertools

import pytest

from domain.actions import ActionState
from domain.commands import SendMessage
from domain.errors import (
    ActionTakenElsewhere,
    RateLimited,
    StorageUnavailable,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import Event, ReceivedMessage
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings

BROKEN = StorageUnavailable("disk full")
DOWN = WorkflowUnreachable("connection refused")


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def test_an_action_is_recorded_before_it_is_executed(world: World) -> None:
    world.faults.block("post")

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        entry = await world.in_journal(action)
        world.faults.lift("post")

    assert entry.state is ActionState.EXECUTING
    assert entry.action.command == hello(world)


async def test_an_action_that_cannot_be_recorded_is_not_executed(world: World) -> None:
    world.faults.fail_before("journal.record", BROKEN)

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(60)
        assert not world.chat.posts

        world.faults.lift("journal.record")
        await world.answer(action, within=6)

    assert world.texts == ["hello"]


async def test_no_action_is_taken_while_the_storage_fails(world: World) -> None:
    world.faults.fail_before("journal.record", BROKEN)

    async with world.pack():
        world.engine.enqueue(hello(world, "first"))
        await world.clock.advance(2)
        takes = world.faults.count("take")
        second = world.engine.enqueue(hello(world, "second"))
        await world.clock.advance(60)
        assert world.faults.count("take") <= takes + 1

        world.faults.lift("journal.record")
        await world.answer(second, within=10)

    assert world.texts == ["first", "second"]


async def test_a_take_lost_to_another_replica_is_repeated_soon(world: World) -> None:
    async with world.pack():
        await world.clock.advance(10)
        world.faults.fail_before("take", ActionTakenElsewhere("another replica took it"), times=1)
        action = world.engine.enqueue(hello(world))
        await world.answer(action, within=1.5)

    assert world.texts == ["hello"]


@pytest.mark.parametrize(
    "error", [WorkflowServerError("500"), WorkflowInDoubt("no answer"), ActionTakenElsewhere("lost"), DOWN]
)
async def test_polls_that_fail_are_repeated_with_pauses(world: World, error: Exception) -> None:
    world.faults.fail_before("take", error)

    async with world.pack():
        await world.clock.advance(60)
        before = world.faults.count("take")
        await world.clock.advance(60)

        assert 5 <= world.faults.count("take") - before <= 12


async def test_an_idle_pack_polls_at_most_once_a_second(world: World) -> None:
    async with world.pack():
        await world.outcome(hello(world))
        await world.clock.advance(5)
        began = world.clock.elapsed
        await world.clock.advance(30)

    methods = ("take", "register", "publish", "complete", "completion_of", "were_published", "open_actions")
    times = sorted(time for method in methods for time in world.faults.called_at(method) if time > began)
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))
    assert len(times) >= 25


async def test_an_action_that_follows_an_event_is_taken_within_milliseconds() -> None:
    def echo(event: Event) -> list[SendMessage]:
        if not isinstance(event, ReceivedMessage):
            return []
        return [SendMessage(OutgoingMessage(event.message.channel_id, f"echo {event.message.text}"))]

    world = World(echo)
    await world.join(world.c1)

    async with world.pack():
        await world.clock.advance(60)
        world.chat.say("C1", "hi")
        began = world.clock.elapsed
        await world.clock.advance(0.05)

    assert world.texts == ["echo hi"]
    assert world.faults.called_at("post")[0] - began < 0.01


async def test_many_events_do_not_cause_many_empty_polls(world: World) -> None:
    async with world.pack():
        await world.clock.advance(10)
        before = world.faults.count("take")
        for _ in range(100):
            world.chat.say("C1", "hi")
            await world.clock.advance(0.05)

        assert world.faults.count("take") - before <= 5 * 20


async def test_actions_for_one_channel_are_executed_in_the_order_they_were_taken(world: World) -> None:
    texts = [str(number) for number in range(10)]

    async with world.pack():
        actions = [world.engine.enqueue(hello(world, text)) for text in texts]
        for action in actions:
            await world.answer(action)

    assert world.texts == texts


async def test_no_action_is_taken_while_the_journal_is_full(world: World) -> None:
    world.faults.fail_before("post", RateLimited(100), times=1)

    async with world.pack(pack_settings(journal_limit=3)):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(5)]
        await world.clock.advance(60)
        assert (await world.storage.journal.backlog()).waiting == 3

        for action in actions:
            await world.answer(action, within=60)

    assert world.texts == ["0", "1", "2", "3", "4"]


async def test_ten_actions_at_most_are_taken_and_not_yet_recorded(world: World) -> None:
    world.faults.block("journal.record")
    async with world.pack():
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(15)]
        await world.clock.advance(30)
        assert world.faults.count("journal.record") == 10
        world.faults.lift("journal.record")
        for action in actions:
            await world.answer(action, within=30)

    assert world.texts == [str(number) for number in range(15)]
