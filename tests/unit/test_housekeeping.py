"""What is kept, and for how long."""

from datetime import timedelta

import pytest

from domain.actions import ActionId
from domain.commands import SendMessage
from domain.errors import RejectedByWorkflow
from domain.messages import IncomingMessage, OutgoingMessage
from tests.support.environment import World, pack_settings
from tests.support.logs import captured_lines

HOUR, DAY = 3600, 86400


async def deliver(world: World) -> tuple[IncomingMessage, ActionId]:
    """Lets the pack deliver a message and execute an action."""
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")))
    [action] = world.engine.outcomes
    return message, action


async def is_recognised(world: World, message: IncomingMessage, **settings: float) -> bool:
    before = len(world.published_texts)
    async with world.pack(pack_settings(**settings)):
        await world.clock.advance(1)
        world.receiver.deliver(message)
        await world.clock.advance(1)
    return len(world.published_texts) == before


async def is_known(world: World, action: ActionId, **settings: float) -> bool:
    async with world.pack(pack_settings(**settings)):
        await world.clock.advance(1)
    return await world.storage.journal.load(action) is not None


async def test_delivered_messages_and_answered_actions_are_known_for_72_hours(world: World) -> None:
    message, action = await deliver(world)
    await world.clock.advance(71 * HOUR)
    assert await is_known(world, action)
    assert await is_recognised(world, message)
    await world.clock.advance(2 * HOUR)
    assert not await is_known(world, action)
    assert not await is_recognised(world, message)


async def test_a_setting_decides_for_how_long_delivered_messages_are_recognised(world: World) -> None:
    message, _ = await deliver(world)
    await world.clock.advance(49 * HOUR)
    assert await is_recognised(world, message, event_age_seconds=50 * HOUR)
    assert not await is_recognised(world, message, event_age_seconds=48 * HOUR)


async def test_a_setting_decides_for_how_long_answered_actions_are_known(world: World) -> None:
    _, action = await deliver(world)
    await world.clock.advance(100 * HOUR)
    assert await is_known(world, action, action_age_seconds=101 * HOUR)
    assert not await is_known(world, action, action_age_seconds=99 * HOUR)


async def set_aside(world: World) -> None:
    """Lets the pack set a message aside, and two days later another one."""
    for text in ("old", "new"):
        world.faults.fail_before("publish", RejectedByWorkflow("400: createdAt"), times=1)
        async with world.pack():
            world.chat.say("C1", text)
            await world.clock.advance(2)
        await world.clock.advance(2 * DAY)


async def test_what_was_set_aside_is_kept_until_an_operator_decides(world: World) -> None:
    await set_aside(world)
    await world.clock.advance(60 * DAY)
    async with world.pack():
        await world.clock.advance(60)
    assert await world.dead_lettered_texts() == ["old", "new"]


async def test_a_setting_decides_after_what_time_it_is_discarded(world: World) -> None:
    await set_aside(world)
    with captured_lines() as logs:
        async with world.pack(pack_settings(set_aside_age_seconds=3 * DAY)):
            await world.clock.advance(60)
    assert await world.dead_lettered_texts() == ["new"]
    [line] = [line for line in logs if line["event"] == "set_aside_discarded"]
    assert (line["queue"], line["count"]) == ("outbox", 1)


async def test_all_that_is_old_enough_is_discarded(world: World) -> None:
    await set_aside(world)
    await world.clock.advance(2 * DAY)
    async with world.pack(pack_settings(set_aside_age_seconds=DAY)):
        await world.clock.advance(1)
    assert await world.dead_lettered_texts() == []


@pytest.mark.parametrize("step", [timedelta(days=30), timedelta(days=-30)])
async def test_a_wrong_clock_discards_nothing_too_early(world: World, step: timedelta) -> None:
    await set_aside(world)
    async with world.pack(pack_settings(set_aside_age_seconds=30 * DAY)):
        await world.clock.advance(60)
        world.pack_clock.step(step.total_seconds())
        await world.clock.advance(60)
    assert await world.dead_lettered_texts() == ["old", "new"]


async def test_an_action_that_was_set_aside_is_discarded_too(world: World) -> None:
    world.faults.fail_before("complete", RejectedByWorkflow("400: no such action"), times=1)
    async with world.pack():
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(5)
    assert (await world.storage.journal.backlog()).dead_lettered == 1
    await world.clock.advance(2 * DAY)
    async with world.pack(pack_settings(set_aside_age_seconds=DAY)):
        await world.clock.advance(1)
    assert (await world.storage.journal.backlog()).dead_lettered == 0
