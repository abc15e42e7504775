"""Messages posted while the pack was not connected."""

import pytest

from application.policies import Listen
from application.ports.receiver import Connected
from tests.support.environment import World, pack_settings
from tests.support.gaps import miss, reconnect


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    await world.clock.advance(10_000)
    return world


# Which messages are fetched


async def test_messages_posted_while_the_pack_was_down_are_fetched_at_start(world: World) -> None:
    await miss(world, 600, "one", "two")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["one", "two"]
    assert await world.waiting() == []


async def test_a_fetched_message_is_not_delivered_again_after_a_crash_right_after_its_delivery(
    world: World,
) -> None:
    await world.clock.advance(0.0001234)  # between two milliseconds
    await miss(world, 600, "one")
    world.faults.block("outbox.ack")
    async with world.killed_pack():
        await world.clock.advance(1)
    world.faults.lift("outbox.ack")

    async with world.pack():
        await world.clock.advance(2)

    assert world.published_texts == ["one"]
    assert all(at.microsecond % 1000 == 0 for _, at in world.engine.published)


async def test_a_message_overtaken_by_a_later_one_is_fetched(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.say("C1", "overtaken")
        await world.clock.advance(300)
        world.chat.say("C1", "later")
        await world.clock.advance(1)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["later", "overtaken"]


async def test_missed_messages_are_fetched_where_none_was_ever_received(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    with world.undelivered():
        world.chat.say("C3", "before the pack")
        await world.clock.advance(10)
    settings = pack_settings(listen=Listen.MEMBER)
    async with world.killed_pack(settings):
        await world.clock.advance(20)
    with world.undelivered():
        world.chat.say("C3", "missed")
        await world.clock.advance(60)

    async with world.pack(settings):
        await world.clock.advance(1)

    assert world.published_texts == ["missed"]


async def test_direct_messages_are_fetched_where_the_pack_has_received_some_before(world: World) -> None:
    world.chat.add_channel("D1", has_bot=True)
    world.chat.add_channel("D2", has_bot=True)
    async with world.pack():
        world.chat.say("D1", "before")
        await world.clock.advance(1)
    with world.undelivered():
        world.chat.say("D1", "meanwhile")
        world.chat.say("D2", "for the first time")
    await world.clock.advance(600)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["before", "meanwhile"]


async def test_a_fetched_message_has_the_time_at_which_the_pack_received_it(world: World) -> None:
    await miss(world, 600, "one")

    async with world.pack():
        started = world.clock.now()
        await world.clock.advance(1)

    ((_, at),) = world.engine.published
    assert at == started


async def test_the_last_ten_minutes_are_fetched_again_and_published_once(world: World) -> None:
    async with world.pack():
        received = world.chat.say("C1", "received")
        await world.clock.advance(1)
    await miss(world, 60, "missed")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["received", "missed"]
    (*_, after) = [arguments[1] for arguments in world.faults.called_with("history") if arguments[0] == world.c1]
    assert float(received.timestamp) - float(after) == pytest.approx(600)


async def test_messages_older_than_the_backfill_window_are_not_fetched(world: World) -> None:
    await miss(world, 4000, "too old", "in time", "too")

    async with world.pack(pack_settings(catch_up_seconds=2500)):
        await world.clock.advance(1)

    assert world.published_texts == ["in time", "too"]


async def test_messages_from_before_the_channel_was_joined_are_not_fetched(world: World) -> None:
    c3 = world.chat.add_channel("C3", has_bot=True)
    with world.undelivered():
        world.chat.say("C3", "before")
        await world.clock.advance(10)
        await world.join(c3)
        await world.clock.advance(10)
        world.chat.say("C3", "after")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["after"]


async def test_nothing_is_fetched_when_backfill_is_disabled(world: World) -> None:
    await miss(world, 600, "missed")

    async with world.pack(pack_settings(catch_up_seconds=0)):
        await world.clock.advance(1)
        world.chat.say("C1", "live")
        await world.clock.advance(1)

    assert world.published_texts == ["live"]
    assert world.faults.count("history") == 0


async def test_a_gap_of_more_than_a_minute_is_backfilled(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        await reconnect(world, 90, "one", "two")
        await world.clock.advance(1)

    assert world.published_texts == ["one", "two"]


async def test_a_shorter_gap_is_left_to_redelivery_by_slack(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        calls = world.faults.count("history")
        await reconnect(world, 30)
        await world.clock.advance(1)

    assert world.faults.count("history") == calls


async def test_any_gap_is_backfilled_where_nothing_is_redelivered(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        await reconnect(world, 5, "one", is_redelivered=False)
        await world.clock.advance(1)

    assert world.published_texts == ["one"]


async def test_setting_the_clock_back_during_a_gap_hides_nothing(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        await miss(world, 90, "one")
        world.pack_clock.step(-60)
        world.receiver.deliver(Connected(90))
        await world.clock.advance(1)

    assert world.published_texts == ["one"]


async def test_replies_in_threads_that_began_in_the_gap_are_fetched(world: World) -> None:
    with world.undelivered():
        parent = world.chat.say("C1", "parent")
        await world.clock.advance(10)
        world.chat.say("C1", "reply", thread_timestamp=parent.timestamp)
        await world.clock.advance(10)
        world.chat.say("C1", "after both")
        await world.clock.advance(10)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["parent", "reply", "after both"]


async def test_several_pages_are_fetched_in_order(world: World) -> None:
    texts = [str(number) for number in range(210)]
    with world.undelivered():
        parent = world.chat.say("C1", "parent")
        for text in texts:
            world.chat.say("C1", text)
        for text in texts:
            world.chat.say("C1", f"reply {text}", thread_timestamp=parent.timestamp)

    async with world.pack():
        while len(world.published_texts) < 1 + 2 * len(texts):
            await world.clock.advance(1)

    assert world.published_texts == ["parent", *texts, *(f"reply {text}" for text in texts)]


async def test_messages_of_bots_in_the_history_are_not_published(world: World) -> None:
    with world.undelivered():
        world.chat.say("C1", "own", user_id=world.chat.identity.user_id)
        world.chat.say("C1", "beep", user_id="", bot_id="B2")
        world.chat.say("C1", "a person")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["a person"]


async def test_all_channels_with_the_bot_are_backfilled_when_all_are_received(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    settings = pack_settings(listen=Listen.MEMBER)
    async with world.pack(settings):
        world.chat.say("C3", "received")
        await world.clock.advance(1)
    with world.undelivered():
        await world.clock.advance(100)
        world.chat.say("C3", "missed")

    async with world.pack(settings):
        await world.clock.advance(1)

    assert world.published_texts == ["received", "missed"]
