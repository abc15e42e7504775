"""What is addressed to the app: stored in time or refused, received everywhere, and never behind messages."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.catalog.events import event_spec
from application.ports.receiver import OtherWorkspaceEvent
from domain.errors import (
    ChatError,
    RateLimited,
    StorageUnavailable,
    Unreachable,
    WorkflowInDoubt,
    WorkflowUnreachable,
)
from domain.events import PackEvent, ReceivedEvent, ReceivedMessage
from domain.interactions import Activity, BlockAction, Shortcut, ViewEvent
from domain.messages import IncomingMessage
from domain.outbox import InboundEvent
from domain.users import User
from tests.support.activities import activities
from tests.support.environment import World, pack_settings

ADA = User("U1", "Ada")
BROKEN = StorageUnavailable("disk full")
DOWN = WorkflowUnreachable("connection refused")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


def events(world: World) -> list[PackEvent]:
    return [event for event, _ in world.engine.published]


def received(world: World) -> list[InboundEvent]:
    return [event.event for event in events(world) if isinstance(event, ReceivedEvent)]


# Where and what


async def test_interactions_are_received_in_channels_that_were_never_joined(world: World) -> None:
    async with world.pack():
        click = world.chat.click("C2", "approve")
        command = world.chat.run_command("C9", "/deploy", "1.2")
        await world.clock.advance(1)

    assert events(world) == [ReceivedEvent(click, ADA), ReceivedEvent(command, ADA)]
    assert world.receiver.acknowledged == [click, command]


async def test_shortcuts_and_forms_belong_to_no_channel(world: World) -> None:
    shortcut, submission, closed = [each for each in activities() if isinstance(each, Shortcut | ViewEvent)]

    async with world.pack():
        for each in (shortcut, submission, closed):
            world.receiver.deliver(each)
        await world.clock.advance(1)

    assert received(world) == [shortcut, submission, closed]


async def test_a_click_on_a_keyed_message_tells_its_key(world: World) -> None:
    async with world.pack():
        await world.storage.message_keys.bind(world.c2, "deployment-7", "1767225600.000001")
        click = world.chat.click("C2", "approve", timestamp="1767225600.000001")
        await world.clock.advance(1)

    assert events(world) == [ReceivedEvent(click, ADA, message_key="deployment-7")]


async def test_a_second_press_is_a_second_event_and_a_repeated_delivery_is_none(world: World) -> None:
    async with world.pack():
        first = world.chat.click("C1", "approve")
        second = world.chat.click("C1", "approve")
        world.receiver.deliver(first)
        await world.clock.advance(1)

    assert received(world) == [first, second]


async def test_interactions_of_another_workspace_are_received_in_shared_channels_only(world: World) -> None:
    click = next(each for each in activities() if isinstance(each, BlockAction))
    elsewhere = replace(click, channel_id=world.c2, trigger_id="another")

    async with world.pack():
        for each in (click, elsewhere):
            world.receiver.deliver(OtherWorkspaceEvent("T2", each))
        await world.clock.advance(1)

    assert received(world) == [click]
    assert len(world.receiver.acknowledged) == 2


# Stored first, then acknowledged


async def test_an_interaction_is_acknowledged_once_it_is_stored(world: World) -> None:
    world.faults.block("outbox.append")

    async with world.pack():
        click = world.chat.click("C1", "approve")
        await world.clock.advance(1)
        assert world.receiver.acknowledged == []
        world.faults.lift("outbox.append")
        await world.clock.advance(1)
        assert world.receiver.acknowledged == [click]


async def test_an_interaction_is_acknowledged_after_a_short_trouble_of_the_storage(world: World) -> None:
    world.faults.fail_before("outbox.append", BROKEN)

    async with world.pack():
        click = world.chat.click("C1", "approve")
        await world.clock.advance(2)
        world.faults.lift("outbox.append")
        await world.clock.advance(0.4)

    assert received(world) == [click]
    assert world.receiver.acknowledged == [click]


async def test_an_interaction_that_can_not_be_stored_in_time_is_dropped_unacknowledged(world: World) -> None:
    world.faults.fail_before("outbox.append", BROKEN)

    with capture_logs() as logs:
        async with world.pack():
            world.chat.click("C1", "approve")
            await world.clock.advance(3)
            world.faults.lift("outbox.append")
            await world.clock.advance(60)

    assert received(world) == []
    assert world.receiver.acknowledged == []
    assert [line["event"] for line in logs].count("interaction_dropped") == 1


async def test_the_time_counts_from_the_arrival(world: World) -> None:
    world.faults.delay("channels.joined", 3)

    async with world.pack():
        world.receiver.deliver(OtherWorkspaceEvent("T2", next(e for e in activities() if isinstance(e, BlockAction))))
        await world.clock.advance(6)

    assert received(world) == []
    assert world.receiver.acknowledged == []


async def test_an_interaction_that_is_stored_too_late_is_delivered_and_counted(world: World) -> None:
    world.faults.delay("outbox.append", 2.6)

    with capture_logs() as logs:
        async with world.pack():
            clicks = [world.chat.click("C1", "approve") for _ in range(2)]
            await world.clock.advance(3)

    assert received(world) == clicks
    assert world.receiver.acknowledged == []
    assert [line["count"] for line in logs if line["event"] == "late_interaction"] == [1, 2]


async def test_a_step_of_the_clock_drops_no_interaction(world: World) -> None:
    async with world.pack():
        for seconds in (-3600, 3600):
            world.pack_clock.step(seconds)
            world.chat.click("C1", "approve")
            await world.clock.advance(1)

    assert len(received(world)) == 2


async def test_an_interaction_that_arrived_just_before_the_end_is_stored(world: World) -> None:
    world.faults.fail_before("publish", DOWN)
    async with world.pack():
        click = world.chat.click("C1", "approve")
    world.faults.lift("publish")

    async with world.pack():
        await world.clock.advance(1)

    assert received(world) == [click]


async def test_a_bug_with_one_interaction_concerns_no_other(world: World) -> None:
    world.faults.fail_before("outbox.append", ZeroDivisionError(), times=1)

    async with world.pack():
        world.chat.click("C1", "approve")
        await world.clock.advance(1)
        click = world.chat.click("C1", "approve")
        await world.clock.advance(1)

    assert received(world) == [click]
    assert world.receiver.acknowledged == [click]


# Waits behind nobody


async def test_an_interaction_does_not_wait_until_messages_can_be_stored(world: World) -> None:
    def is_of_messages(arguments: tuple[Any, ...]) -> Exception | None:
        return BROKEN if isinstance(arguments[0][0].event, IncomingMessage) else None

    world.faults.fail_when("outbox.append", is_of_messages)

    async with world.pack():
        for number in range(300):
            world.chat.say("C1", str(number))
        click = world.chat.click("C1", "approve")
        await world.clock.settle()
        assert received(world) == [click]
        world.faults.lift("outbox.append")


async def test_a_click_overtakes_five_hundred_waiting_messages(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(50)]
    await world.join(*channels)
    for method in ("publish", "register"):
        world.faults.fail_before(method, DOWN)

    async with world.pack():
        for number in range(500):
            world.chat.say(channels[number % 50], str(number))
        await world.clock.advance(5)
        click = world.chat.click("C1", "approve")
        await world.clock.advance(5)
        for method in ("publish", "register"):
            world.faults.lift(method)
        world.faults.delay("publish", 0.01)
        await world.engine.until(lambda: len(world.engine.published) == 501, 60)

    assert events(world).index(ReceivedEvent(click, ADA)) < 50


async def test_a_click_does_not_wait_until_messages_have_been_published(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(50)]
    await world.join(*channels)
    world.faults.delay("publish", 60)

    async with world.killed_pack():
        for channel in channels:
            world.chat.say(channel, "hello")
        await world.clock.advance(5)
        attempts = world.faults.count("publish")
        world.chat.click("C1", "approve")
        await world.clock.settle()
        assert world.faults.count("publish") == attempts + 1


async def test_a_click_does_not_wait_until_authors_have_been_looked_up(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(50)]
    await world.join(*channels)
    world.faults.fail_before("look_up", RateLimited(600), argument="U2")

    async with world.pack():
        for channel in channels:
            world.chat.say(channel, "hello", "U2")
        await world.clock.advance(1)
        click = world.chat.click("C1", "approve")
        await world.clock.settle()
        assert received(world) == [click]


async def test_a_click_does_not_wait_until_the_engine_has_told_what_it_got_before_a_kill(world: World) -> None:
    world.faults.block("outbox.ack")
    async with world.killed_pack():
        world.chat.say("C1", "delivered before")
        await world.clock.advance(1)
    world.faults.lift("outbox.ack")
    world.faults.block("were_published")

    async with world.pack():
        await world.clock.advance(1)
        click = world.chat.click("C1", "approve")
        await world.clock.settle()
        assert received(world) == [click]
        world.faults.lift("were_published")


async def test_many_users_are_served_at_once_and_each_in_order(world: World) -> None:
    users = [f"U{number}" for number in range(100)]

    async with world.pack():
        clicks = [world.chat.click("C1", "approve", user) for _ in range(3) for user in users]
        await world.engine.until(lambda: len(received(world)) == 300)

    for user in users:
        assert [each for each in received(world) if each.user_id == user] == [
            click for click in clicks if click.user_id == user
        ]


@pytest.mark.parametrize("error", [Unreachable("timeout", "no answer"), RateLimited(600)])
async def test_the_look_up_of_the_user_takes_half_a_second_at_most(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        click = world.chat.click("C1", "approve")
        await world.clock.advance(0.6)
        assert events(world) == [ReceivedEvent(click, User("U1"))]


async def test_a_hurried_look_up_has_no_effect_on_those_of_messages(world: World) -> None:
    world.faults.block("look_up")

    async with world.pack():
        world.chat.click("C1", "approve")
        await world.clock.advance(1)
        world.faults.lift("look_up")
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)

    assert events(world)[1:] == [ReceivedMessage(message, ADA)]


# Delivered once


async def test_an_interaction_survives_outages_and_restarts(world: World) -> None:
    for method in ("publish", "register"):
        world.faults.fail_before(method, DOWN)
    async with world.killed_pack():
        click = world.chat.click("C1", "approve")
        await world.clock.advance(60)
    for method in ("publish", "register"):
        world.faults.lift(method)

    async with world.pack():
        await world.clock.advance(1)

    assert received(world) == [click]


@pytest.mark.parametrize("event", activities(), ids=lambda event: event_spec(event).name)
async def test_an_event_of_any_kind_is_delivered_once_though_its_answer_was_lost(world: World, event: Activity) -> None:
    world.faults.fail_after("publish", WorkflowInDoubt("no answer"), times=1)

    async with world.pack(pack_settings(receives_edits=True)):
        world.receiver.deliver(event)
        await world.clock.advance(5)

    assert received(world) == [event]


@pytest.mark.parametrize("event", activities(), ids=lambda event: event_spec(event).name)
async def test_an_event_of_any_kind_is_delivered_once_though_the_pack_was_killed(world: World, event: Activity) -> None:
    settings = pack_settings(receives_edits=True)
    world.faults.block("outbox.ack")
    async with world.killed_pack(settings):
        world.receiver.deliver(event)
        await world.clock.advance(1)
    world.faults.lift("outbox.ack")

    async with world.pack(settings):
        await world.clock.advance(90)

    assert received(world) == [event]
