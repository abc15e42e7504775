"""Backfill despite rate limits, outages, wrong clocks and shutdowns."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from application.policies import Listen
from application.ports.chat import Page
from domain.channels import ChannelId
from domain.commands import JoinChannel
from domain.errors import ChatRejected, RateLimited, Unreachable
from tests.support.environment import World, pack_settings
from tests.support.gaps import miss, reconnect


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    await world.clock.advance(10_000)
    return world


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


async def test_a_channel_whose_pages_repeat_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read_page, repeating = world.chat.history, {world.c1}

    async def repeat(channel_id: ChannelId, *arguments: str) -> Page:
        page = await read_page(channel_id, *arguments)
        return replace(page, next_cursor="0") if channel_id in repeating else page

    monkeypatch.setattr(world.chat, "history", repeat)
    await miss(world, 600, "missed")

    with capture_logs() as logs:
        async with world.pack():
            world.faults.block("take")  # polling would slow the test down
            await world.clock.advance(30)
            assert {(line["channel"], line["reason"]) for line in logs if line["event"] == "catch_up_failed"} == {
                ("C1", "endless_pages: the pages of history have no end")
            }
            repeating.clear()
            await world.clock.advance(600)
            world.faults.lift("take")

    assert world.published_texts == ["missed"]
    assert world.faults.count("history") < 20


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
