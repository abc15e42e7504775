"""Posting during rate limits and outages; order and rate of posts."""

from itertools import pairwise

import pytest

from domain.channels import ChannelId
from domain.commands import Broadcast, SendMessage
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, RateLimited, Unreachable
from domain.events import BroadcastSent, MessageSent, SendMessageFailed
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings

OUT_OF_REACH = Unreachable("timeout", "Slack did not answer")


def hello(channel_id: ChannelId, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(channel_id, text))


async def test_a_rate_limited_post_succeeds_after_the_requested_time(world: World) -> None:
    world.faults.fail_before("post", RateLimited(45), times=1)
    world.faults.fail_before("post", RateLimited(300), times=1)

    async with world.pack():
        outcome = await world.outcome(hello(world.c1), within=350)

    assert isinstance(outcome, MessageSent)
    first, second, third = world.faults.called_at("post")
    assert second - first >= 45
    assert third - second >= 300
    assert world.texts == ["hello"]


async def test_later_posts_into_a_rate_limited_channel_wait_and_keep_their_order(world: World) -> None:
    world.faults.fail_before("post", RateLimited(30), times=1)

    async with world.pack():
        first = world.engine.enqueue(hello(world.c1, "first"))
        await world.clock.advance(1)
        second = world.engine.enqueue(hello(world.c1, "second"))
        await world.clock.advance(28)
        assert not world.chat.posts

        await world.answer(first)
        await world.answer(second)

    assert world.texts == ["first", "second"]


async def test_a_rate_limited_channel_does_not_delay_others(world: World) -> None:
    world.faults.fail_before("post", RateLimited(3600), times=1)

    async with world.pack():
        world.engine.enqueue(hello(world.c1, "throttled"))
        await world.clock.advance(1)
        assert isinstance(await world.outcome(hello(world.c2)), MessageSent)


async def test_the_pause_of_a_channel_is_stored(world: World) -> None:
    world.faults.fail_before("post", RateLimited(3600), times=1)

    async with world.pack():
        world.engine.enqueue(hello(world.c1, "throttled"))
        await world.clock.advance(60)
        held = await world.storage.rate_limiter.paused()

    assert list(held) == [world.c1]
    assert 3530 <= held[world.c1] <= 3545


async def test_an_outage_of_slack_is_waited_out(world: World) -> None:
    world.faults.fail_before("post", OUT_OF_REACH)

    async with world.pack():
        action = world.engine.enqueue(hello(world.c1))
        await world.clock.advance(500)
        world.faults.lift("post")
        outcome = await world.answer(action, within=31)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_an_outage_longer_than_the_time_limit_is_reported_with_its_reason(world: World) -> None:
    world.faults.fail_before("post", OUT_OF_REACH)

    async with world.pack(pack_settings(give_up_seconds=120)):
        action = world.engine.enqueue(hello(world.c1))
        await world.clock.advance(119)
        assert action not in world.engine.outcomes
        outcome = await world.answer(action, within=3)

    assert outcome == SendMessageFailed(OutgoingMessage(world.c1, "hello"), "timeout: Slack did not answer")


@pytest.mark.parametrize(
    "error",
    [
        ChatRejected("restricted_action", "ask an admin"),
        AuthenticationFailed("token_revoked", "make a new one"),
        ChatRejected("error_of_tomorrow", "unknown"),
    ],
)
async def test_permanent_authentication_and_unknown_errors_fail_at_once(world: World, error: ChatError) -> None:
    world.faults.fail_before("post", error)

    async with world.pack():
        outcome = await world.outcome(hello(world.c1), within=1)

    assert outcome == SendMessageFailed(OutgoingMessage(world.c1, "hello"), str(error))
    assert world.faults.count("post") == 1


async def test_posts_into_one_channel_keep_to_the_rate_after_a_burst(world: World) -> None:
    async with world.pack(pack_settings(messages_per_second=2, message_burst=5)):
        actions = [world.engine.enqueue(hello(world.c1, str(number))) for number in range(15)]
        await world.answer(actions[-1], within=20)

    times = world.faults.called_at("post")
    assert times[4] - times[0] < 0.1
    assert all(later - earlier == pytest.approx(0.5, abs=0.01) for earlier, later in pairwise(times[5:]))
    assert world.texts == [str(number) for number in range(15)]


async def test_each_channel_has_its_own_rate(world: World) -> None:
    async with world.pack(pack_settings(messages_per_second=1, message_burst=1)):
        actions = [world.engine.enqueue(hello(channel)) for channel in (world.c1, world.c2)]
        for action in actions:
            await world.answer(action)

    first, second = world.faults.called_at("post")
    assert second - first < 0.1


async def test_a_broadcast_keeps_to_each_channels_rate(world: World) -> None:
    async with world.pack(pack_settings(messages_per_second=1, message_burst=1)):
        actions = [world.engine.enqueue(Broadcast(text)) for text in ("one", "two", "three")]
        outcomes = [await world.answer(action, within=10) for action in actions]

    assert outcomes == [BroadcastSent(text, (world.c1, world.c2)) for text in ("one", "two", "three")]
    in_first_channel = [post.message.text for post in world.chat.posts if post.message.channel_id == world.c1]
    assert in_first_channel == ["one", "two", "three"]
    assert world.faults.called_at("post")[-1] >= 2


async def test_every_post_carries_its_own_idempotency_key(world: World) -> None:
    async with world.pack():
        for _ in range(3):
            await world.outcome(hello(world.c1))
        await world.outcome(Broadcast("hear, hear"))

    marks = [post.key for post in world.chat.posts]
    assert None not in marks
    assert len(set(marks)) == 5


@pytest.mark.parametrize("error", [RateLimited(60), Unreachable("unreachable", "no connection")])
async def test_a_shutdown_while_a_post_waits_leaves_no_doubt(world: World, error: ChatError) -> None:
    world.faults.fail_before("post", error)
    async with world.pack():
        action = world.engine.enqueue(hello(world.c1))
        await world.clock.advance(2)
    world.faults.lift("post")
    world.faults.fail_before("find_posted", ChatRejected("missing_scope", "the history can't be read"))

    async with world.pack():
        assert isinstance(await world.answer(action, within=120), MessageSent)
    assert world.texts == ["hello"]
