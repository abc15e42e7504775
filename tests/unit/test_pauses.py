"""Pauses of posts that Slack asks for, as an operator sees them."""

import re
from itertools import pairwise

import pytest

from domain.channels import ChannelId
from domain.commands import Command, JoinChannel, LeaveChannel, SendMessage
from domain.errors import RateLimited
from domain.events import ChannelJoined, ChannelLeft, MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import World
from tests.support.logs import captured_lines


def hello(world: World, channel_id: str = "C1") -> SendMessage:
    return SendMessage(OutgoingMessage(world.chat.add_channel(channel_id, has_bot=True), "hello"))


async def test_a_pause_of_more_than_an_hour_is_kept_for_an_hour_and_asked_for_again(world: World) -> None:
    world.faults.fail_before("post", RateLimited(1e11), times=2)

    async with world.pack():
        outcome = await world.outcome(hello(world), within=7230)

    assert isinstance(outcome, MessageSent)
    assert [later - earlier for earlier, later in pairwise(world.faults.called_at("post"))] == pytest.approx(
        [3600, 3600], abs=1
    )


@pytest.mark.parametrize(("seconds", "level"), [(60, "info"), (61, "warning"), (1e11, "warning")])
async def test_a_pause_of_more_than_a_minute_is_a_warning(world: World, seconds: float, level: str) -> None:
    world.faults.fail_before("post", RateLimited(seconds), times=1)

    with captured_lines() as logs:
        async with world.pack():
            action = world.engine.enqueue(hello(world))
            await world.clock.advance(2)

    [line] = [line for line in logs if line["event"] == "throttled"]
    assert line == {
        "event": "throttled", "log_level": level, "channel": "C1", "seconds": seconds, "ref": action
    }  # fmt: skip


async def test_pauses_are_told_in_the_health_of_slack_without_naming_a_channel(world: World) -> None:
    world.faults.fail_before("post", RateLimited(120), times=1)
    world.faults.fail_before("post", RateLimited(30), times=1)

    async with world.pack():
        for channel_id in ("C1", "C2"):
            world.engine.enqueue(hello(world, channel_id))
            await world.clock.advance(1)
        both = world.check("slack")
        await world.clock.advance(60)
        one = world.check("slack")
        await world.clock.advance(65)
        none = world.check("slack")

    assert both.healthy
    assert re.fullmatch("connected; posts to 2 channels paused by Slack, the longest for 1(19|20) s", both.status)
    assert one.status.startswith("connected; posts to 1 channel paused by Slack, the longest for ")
    assert none.status == "connected"


async def test_a_pause_that_an_operator_lifts_ends_within_five_seconds(world: World) -> None:
    world.faults.fail_before("post", RateLimited(3600), times=2)

    async with world.pack():
        lifted, paused = (world.engine.enqueue(hello(world, channel_id)) for channel_id in ("C1", "C2"))
        await world.clock.advance(61)
        await world.storage.rate_limiter.lift([world.c1])
        outcome = await world.answer(lifted, within=5)
        assert paused not in world.engine.outcomes

    assert isinstance(outcome, MessageSent)


@pytest.mark.parametrize("seconds", [-3600, 3600, 86400])
async def test_setting_the_clock_delays_no_post(world: World, seconds: float) -> None:
    async with world.pack():
        await world.outcome(hello(world))
        world.pack_clock.step(seconds)
        assert isinstance(await world.outcome(hello(world), within=2), MessageSent)
    async with world.pack():
        world.pack_clock.step(-2 * seconds)
        assert isinstance(await world.outcome(hello(world), within=2), MessageSent)


@pytest.mark.parametrize(
    ("method", "command"), [("leave", LeaveChannel(ChannelId("C1"))), ("join", JoinChannel(ChannelId("C2")))]
)
async def test_a_pause_of_a_method_is_told_and_kept_and_lifted(world: World, method: str, command: Command) -> None:
    await world.join(world.c1)
    world.faults.fail_before(method, RateLimited(3000), times=1)

    async with world.pack():
        action = world.engine.enqueue(command)
        await world.clock.advance(2)
        status = world.check("slack").status
        assert await world.storage.rate_limiter.paused() == {method: pytest.approx(3000, abs=3)}
        await world.clock.advance(61)
        assert action not in world.engine.outcomes
        await world.storage.rate_limiter.lift([method])
        outcome = await world.answer(action, within=5)

    assert re.fullmatch(rf"connected; calls paused by Slack: {method} for (3000|299\d) s", status)
    assert isinstance(outcome, ChannelLeft | ChannelJoined)
    assert world.faults.count(method) == 2


async def test_a_restart_ends_the_pauses_of_methods(world: World) -> None:
    world.faults.fail_before("leave", RateLimited(3000), times=1)
    command = LeaveChannel(world.c1)

    async with world.pack():
        action = world.engine.enqueue(command)
        await world.clock.advance(2)
    async with world.pack():
        assert isinstance(await world.answer(action, within=5), ChannelLeft)
        assert world.check("slack").status == "connected"


@pytest.mark.parametrize("method", ["identify", "memberships"])
async def test_a_pause_at_the_start_is_told_and_lifted(world: World, method: str) -> None:
    world.faults.fail_before(method, RateLimited(3000), times=1)

    async with world.pack():
        await world.clock.advance(100)
        status = world.check("slack").status
        await world.storage.rate_limiter.lift([method])
        await world.clock.advance(5)
        assert world.check("slack").status == "connected"

    assert re.fullmatch(rf"(starting|connected); calls paused by Slack: {method} for 29\d\d s", status)


async def test_a_pause_of_the_history_is_told_and_lifted(world: World) -> None:
    await world.join(world.c1)
    world.faults.fail_before("history", RateLimited(3000), times=1)

    async with world.pack():
        await world.clock.advance(10)
        status = world.check("slack").status
        await world.storage.rate_limiter.lift(["history"])
        await world.clock.advance(5)
        assert world.check("slack").status == "connected"

    assert "calls paused by Slack: history for 299" in status
