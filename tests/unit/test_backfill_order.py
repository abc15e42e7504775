"""Missed messages are published once and in order, whatever happens during a backfill."""

import pytest

from domain.commands import LeaveChannel
from domain.errors import ChatRejected, StorageUnavailable
from tests.support.environment import World
from tests.support.gaps import miss, reconnect

BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    await world.clock.advance(10_000)
    return world


# Once and in order


async def test_a_message_both_fetched_and_delivered_is_published_once(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        await reconnect(world, 90, "missed")
        world.receiver.deliver((await world.chat.history(world.c1, "")).messages[-1])
        await world.clock.advance(1)

    assert world.published_texts == ["missed"]


async def test_live_messages_wait_for_no_backfill(world: World) -> None:
    await miss(world, 600, "past one", "past two")
    world.faults.block("history")

    async with world.pack():
        world.chat.say("C1", "live one")
        world.chat.say("C2", "live two")
        await world.clock.settle()
        assert world.published_texts == ["live one", "live two"]
        assert len(world.receiver.acknowledged) == 2

        world.faults.lift("history")
        await world.clock.advance(1)

    assert world.published_texts == ["live one", "live two", "past one", "past two"]


async def test_a_kill_during_a_backfill_loses_nothing(world: World) -> None:
    await miss(world, 1200, "early", "late")
    world.faults.block("history")
    async with world.killed_pack():
        world.chat.say("C1", "live")  # moves the mark of the newest message
        await world.clock.advance(1200)
    world.faults.lift("history")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["live", "early", "late"]


async def test_a_kill_before_the_gap_is_on_disk_loses_nothing(world: World) -> None:
    await miss(world, 1200, "early", "late")
    world.faults.block("gaps.add")
    async with world.killed_pack():
        world.chat.say("C1", "live")
        await world.clock.advance(30)
        assert world.receiver.acknowledged == []
    world.faults.lift("gaps.add")

    world.receiver.redeliver()
    async with world.pack():
        await world.clock.advance(1)

    assert sorted(world.published_texts) == ["early", "late", "live"]


async def test_a_second_gap_and_a_kill_during_the_first_backfill_lose_nothing(world: World) -> None:
    await miss(world, 1200, "first gap")
    world.faults.block("history")
    async with world.killed_pack():
        world.chat.say("C1", "live one")
        await world.clock.advance(1200)
        await reconnect(world, 90, "second gap")
        world.chat.say("C1", "live two")
        await world.clock.advance(1200)
    world.faults.lift("history")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["live one", "live two", "first gap", "second gap"]


async def test_a_backfilled_gap_is_not_read_again(world: World) -> None:
    await miss(world, 600, "past")
    async with world.pack():
        await world.clock.advance(1)
        assert await world.storage.gaps.pending() == []


async def test_gaps_of_a_channel_that_was_left_meanwhile_are_given_up(world: World) -> None:
    await miss(world, 600, "past")
    world.faults.fail_before("history", ChatRejected("missing_scope", "add channels:history"))
    async with world.pack():
        await world.clock.advance(1)
        await world.outcome(LeaveChannel(world.c1), within=11)
        await world.clock.advance(60)

        assert {gap.channel_id for gap in await world.storage.gaps.pending()} == {world.c2}


async def test_a_channel_with_waiting_live_messages_is_backfilled_first(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(20)]
    await world.join(*channels)
    world.faults.block("history")

    async with world.pack():
        await world.clock.advance(1)
        world.chat.say("X19", "hurry")
        await world.clock.advance(1)
        world.faults.lift("history")
        await world.clock.advance(60)

    order = [arguments[0] for arguments in world.faults.called_with("history")]
    assert order.index(channels[19]) <= 4  # after those in progress, unless it is one of them
    assert len(order) == 22


async def test_a_gap_during_a_backfill_is_backfilled_as_well(world: World) -> None:
    await miss(world, 600, "first gap")
    world.faults.block("replies")
    with world.undelivered():
        parent = world.chat.say("C1", "parent")
        world.chat.say("C1", "reply", thread_timestamp=parent.timestamp)

    async with world.pack():
        await world.clock.advance(1)  # the history has been read, but not the thread
        await reconnect(world, 90, "second gap")
        await world.clock.advance(1)
        world.chat.say("C1", "live")
        await world.clock.advance(1)
        world.faults.lift("replies")
        await world.clock.advance(60)

    assert world.published_texts == ["live", "first gap", "parent", "reply", "second gap"]


async def test_after_a_minute_without_storage_the_history_is_fetched(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        calls = world.faults.count("history")
        world.faults.fail_before("outbox.append", BROKEN)
        world.chat.say("C1", "received")
        await miss(world, 100, "given up by Slack")
        world.faults.lift("outbox.append")
        await world.clock.advance(6)

    assert world.published_texts == ["received", "given up by Slack"]
    assert world.faults.count("history") > calls
