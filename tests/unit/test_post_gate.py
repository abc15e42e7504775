"""Posts into many channels while Slack limits all of them together, or only some."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from domain.channels import ChannelId
from domain.commands import Broadcast, SendMessage
from domain.errors import InDoubt, RateLimited
from domain.events import BroadcastSent, MessageSent
from domain.messages import OutgoingMessage
from entrypoints.simulation.slack.rate_limits import POST, RateLimits
from tests.support.environment import World, pack_settings


@pytest.fixture
async def channels(world: World) -> list[ChannelId]:
    """300 joined channels."""
    channels = [world.chat.add_channel(f"C{number}", has_bot=True) for number in range(300)]
    await world.join(*channels)
    return channels


def limited_by(retry_after: Callable[[ChannelId], float | None]) -> Callable[[tuple[Any, ...]], Exception | None]:
    """Returns a condition for `Faults.fail_when` that refuses posts into a channel for so many seconds."""

    def refuse(arguments: tuple[Any, ...]) -> Exception | None:
        seconds = retry_after(arguments[0].channel_id)
        return None if seconds is None else RateLimited(seconds)

    return refuse


async def broadcast(world: World, within: float) -> tuple[int, float]:
    """Returns how many posts of a broadcast to 300 channels were refused, and how many seconds it took."""
    began = world.clock.elapsed
    async with world.pack():
        outcome = await world.outcome(Broadcast("hear, hear"), within=within)
    assert isinstance(outcome, BroadcastSent)
    assert len(world.chat.posts) == 300
    return world.faults.count("post") - 300, world.faults.called_at("post")[-1] - began


@pytest.mark.parametrize(("per_minute", "most_refused", "within"), [(60, 60, 420), (100, 50, 300), (300, 5, 30)])
@pytest.mark.usefixtures("channels")
async def test_a_limit_on_all_channels_together_costs_few_refused_posts(
    world: World, per_minute: int, most_refused: int, within: float
) -> None:
    limits = RateLimits(asyncio.get_running_loop().time)
    limits.per_minute[POST] = per_minute
    world.faults.fail_when("post", limited_by(lambda channel_id: limits.retry_after(POST, None, channel_id)))

    refused, seconds = await broadcast(world, within)

    assert refused <= most_refused
    assert seconds <= 1.6 * (300 - per_minute) * 60 / per_minute + 10


@pytest.mark.usefixtures("channels")
async def test_a_limit_by_the_minute_costs_few_refused_posts_in_each(world: World) -> None:
    accepted: list[int] = []

    def refuse(_channel_id: ChannelId) -> float | None:
        minute, seconds = divmod(asyncio.get_running_loop().time(), 60)
        if accepted.count(int(minute)) == 100:
            return 60 - seconds
        accepted.append(int(minute))
        return None

    world.faults.fail_when("post", limited_by(refuse))

    refused, seconds = await broadcast(world, within=400)

    assert refused <= 45
    assert seconds <= 250


def _window(now: Callable[[], float]) -> Callable[[ChannelId], float | None]:
    """60 posts in each period of ten seconds."""
    accepted: list[int] = []

    def refuse(_channel_id: ChannelId) -> float | None:
        period, seconds = divmod(now(), 10)
        if accepted.count(int(period)) == 60:
            return 10 - int(seconds)
        accepted.append(int(period))
        return None

    return refuse


def _bucket(now: Callable[[], float]) -> Callable[[ChannelId], float | None]:
    """20 posts, and 6 more each second."""
    full_at = 0.0

    def refuse(_channel_id: ChannelId) -> float | None:
        nonlocal full_at
        full_at = max(full_at, now()) + 1 / 6
        if full_at - now() <= 20 / 6:
            return None
        full_at -= 1 / 6
        return 1

    return refuse


@pytest.mark.parametrize("limit", [_window, _bucket])
@pytest.mark.parametrize("latency_seconds", [0.01, 0.2])
@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.usefixtures("channels")
async def test_a_limit_that_is_reached_at_full_speed_costs_two_dozen_refused_posts(
    world: World,
    limit: Callable[[Callable[[], float]], Callable[[ChannelId], float | None]],
    latency_seconds: float,
    start: float,
) -> None:
    world.faults.delay("post", latency_seconds)
    world.faults.fail_when("post", limited_by(limit(asyncio.get_running_loop().time)))
    await world.clock.advance(start)

    refused, seconds = await broadcast(world, within=100)

    assert refused <= 24
    assert seconds <= 60


async def test_posts_that_are_held_back_are_told_in_the_health_of_slack(
    world: World, channels: list[ChannelId]
) -> None:
    world.faults.fail_when("post", limited_by(lambda _channel_id: 600))

    async with world.pack():
        world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(20)
        status = world.check("slack").status
        before = world.faults.count("post")
        await world.storage.rate_limiter.lift(channels)
        await world.clock.advance(5)

    assert re.search(r"; all posts held back for (8|9|1\d) s(;|$)", status)
    assert world.faults.count("post") > before


async def test_channels_with_a_limit_of_their_own_delay_no_other(world: World, channels: list[ChannelId]) -> None:
    limited = set(channels[::3])
    world.faults.fail_when("post", limited_by(lambda channel_id: 600 if channel_id in limited else None))

    async with world.pack():
        world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(10)

    assert len(world.chat.posts) == 200


async def test_limited_channels_one_after_the_other_hold_others_for_seconds_only(world: World) -> None:
    limited = [world.chat.add_channel(f"L{number}", has_bot=True) for number in range(3)]
    world.faults.fail_when("post", limited_by(lambda channel_id: 600 if channel_id in limited else None))

    async with world.pack():
        for channel_id in limited:
            world.engine.enqueue(SendMessage(OutgoingMessage(channel_id, "hello")))
            await world.clock.advance(1)
        assert isinstance(await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")), within=5), MessageSent)


async def test_posts_without_an_answer_delay_other_channels_by_a_second_at_most(
    world: World, channels: list[ChannelId]
) -> None:
    world.faults.block("post")

    async with world.pack(pack_settings(message_burst=1)):
        for channel_id in channels[:20]:
            world.engine.enqueue(SendMessage(OutgoingMessage(channel_id, "hangs")))
        await world.clock.advance(3)
        hanging = world.faults.count("post")
        world.faults.release("post")
        assert hanging == 20


async def test_a_doubt_says_nothing_about_a_limit(world: World) -> None:
    world.faults.fail_before("post", RateLimited(600), times=1)
    world.faults.fail_after("post", InDoubt("timeout", "no answer"), times=1)

    async with world.pack():
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "limited")))
        await world.clock.advance(1)
        assert isinstance(await world.outcome(SendMessage(OutgoingMessage(world.c2, "lost")), within=2), MessageSent)
        c3 = world.chat.add_channel("C3", has_bot=True)
        assert isinstance(await world.outcome(SendMessage(OutgoingMessage(c3, "accepted")), within=2), MessageSent)
