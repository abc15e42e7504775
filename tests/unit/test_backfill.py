"""Messages posted while the pack was not connected."""

import pytest
from structlog.testing import capture_logs

from application.policies import Listen
from application.ports.receiver import Connected
from domain.commands import JoinChannel, LeaveChannel
from domain.errors import ChatRejected, RateLimited, StorageUnavailable, Unreachable
from tests.support.environment import World, pack_settings

BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    await world.clock.advance(10_000)
    return world


async def miss(world: World, seconds: float, *texts: str) -> None:
    """Posts these texts in C1 over so many seconds, undelivered."""
    with world.undelivered():
        for text in texts:
            await world.clock.advance(seconds / (len(texts) + 1))
            world.chat.say("C1", text)
        await world.clock.advance(seconds / (len(texts) + 1))


async def reconnect(world: World, seconds: float, *texts: str, is_redelivered: bool = True) -> None:
    """Loses the connection for so many seconds, while these texts are posted in C1, and restores it."""
    await miss(world, seconds, *texts)
    world.receiver.deliver(Connected(seconds, is_redelivered))


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


# Faults


async def test_rate_limits_and_outages_are_waited_out_however_long(world: World) -> None:
    await miss(world, 600, "missed")
    world.faults.fail_before("history", RateLimited(60), times=2)
    world.faults.fail_before("history", Unreachable("timeout", "no answer"), times=40)

    async with world.pack():
        world.faults.block("take")  # polling would slow the test down
        await world.clock.advance(1500)
        world.faults.lift("take")

    assert world.published_texts == ["missed"]


async def test_an_unreadable_history_is_reported_and_blocks_nothing(world: World) -> None:
    await miss(world, 600, "missed")
    world.faults.fail_before("history", ChatRejected("missing_scope", "add channels:history"))

    with capture_logs() as logs:
        async with world.pack():
            world.chat.say("C1", "live")
            await world.clock.advance(1)

    assert world.published_texts == ["live"]
    failed = [line for line in logs if line["event"] == "catch_up_failed"]
    assert {line["channel"] for line in failed} == {"C1", "C2"}


async def test_an_unreadable_history_is_read_once_it_can_be(world: World) -> None:
    await miss(world, 600, "missed")
    world.faults.fail_before("history", ChatRejected("missing_scope", "add channels:history"))
    async with world.pack():
        world.faults.block("take")  # polling would slow the test down
        await world.clock.advance(3600)
        world.faults.lift("history")
        await world.clock.advance(600)
        world.faults.lift("take")

    assert world.published_texts == ["missed"]


async def test_a_channel_that_is_out_of_reach_holds_up_no_other(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(8)]
    await world.join(*channels)
    with world.undelivered():
        await world.clock.advance(10)
        for channel_id in channels:
            world.chat.say(channel_id, f"missed in {channel_id}")
    for channel_id in channels[:6]:
        world.faults.fail_before("history", Unreachable("http_500", "Slack failed"), argument=channel_id)

    async with world.pack():
        world.faults.block("take")  # polling would slow the test down
        await world.clock.advance(120)

        assert sorted(world.published_texts) == ["missed in X6", "missed in X7"]
        world.faults.lift("history")
        await world.clock.advance(600)
        world.faults.lift("take")

    assert sorted(world.published_texts) == [f"missed in X{number}" for number in range(8)]


async def test_requests_are_paced_and_stop_while_the_service_asks_for_a_pause(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(60)]
    await world.join(*channels)
    world.faults.fail_before("history", RateLimited(30), times=1)

    async with world.pack():
        world.faults.block("take")  # polling would slow the test down
        await world.clock.advance(29)
        assert world.faults.count("history") <= 4
        await world.clock.advance(300)
        world.faults.lift("take")

    calls = [at for at in world.faults.called_at("history") if at > world.faults.called_at("history")[0] + 29]
    assert len(calls) >= 60
    assert all(len([at for at in calls if start <= at < start + 60]) <= 50 for start in calls)


async def test_a_long_pause_that_slack_asks_for_is_a_warning(world: World) -> None:
    await miss(world, 600, "missed")
    world.faults.fail_before("history", RateLimited(300), times=1)

    with capture_logs() as logs:
        async with world.pack():
            await world.clock.advance(2)

    line = {"event": "throttled", "log_level": "warning", "method": "history", "seconds": 300}
    assert line in logs


async def test_a_running_backfill_is_told_in_health(world: World) -> None:
    await miss(world, 600, "missed")
    world.faults.block("history")
    async with world.pack():
        assert world.check("slack").status == "connected; fetching missed messages of 2 channels"
        world.faults.lift("history")
        await world.clock.advance(1)
        assert world.check("slack").status == "connected"


# Clocks


async def test_a_clock_that_is_an_hour_ahead_hides_nothing(world: World) -> None:
    await miss(world, 600, "missed")
    world.pack_clock.step(3600)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["missed"]


async def test_a_channel_joined_while_the_clock_was_a_day_ahead_is_backfilled(world: World) -> None:
    world.pack_clock.step(86_400)
    async with world.pack():
        c3 = world.chat.add_channel("C3")
        await world.outcome(JoinChannel(c3))
    world.pack_clock.step(-86_400)
    with world.undelivered():
        await world.clock.advance(100)
        world.chat.say(c3, "missed")
        await world.clock.advance(100)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["missed"]


async def test_what_the_history_shows_late_is_found_where_nothing_is_redelivered(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.chat.history_behind_seconds = 3
        await reconnect(world, 5, is_redelivered=False)
        with world.undelivered():
            world.chat.say("C1", "just before")
        await world.clock.advance(6)

    assert world.published_texts == ["just before"]


async def test_a_shutdown_during_a_backfill_loses_nothing(world: World) -> None:
    await miss(world, 600, "past")
    world.faults.fail_before("history", RateLimited(60))
    async with world.pack():
        world.chat.say("C1", "live")
        await world.clock.advance(1)
    assert world.published_texts == ["live"]
    world.faults.lift("history")

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["live", "past"]


async def test_receiving_continues_while_memberships_are_unavailable(world: World) -> None:
    async with world.pack(pack_settings(listen=Listen.MEMBER)):
        await world.clock.advance(1)
        world.faults.fail_before("memberships", Unreachable("timeout", "no answer"))
        await reconnect(world, 90)
        world.chat.add_channel("D1", has_bot=True)
        world.chat.say("D1", "direct")
        await world.clock.advance(1)
        assert world.published_texts == ["direct"]
