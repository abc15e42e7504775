"""The command Broadcast."""

import pytest

from domain.channels import ChannelId
from domain.commands import Broadcast
from domain.errors import ChatRejected, RateLimited
from domain.events import BroadcastFailed, BroadcastSent, ChannelFailure
from tests.support.environment import World


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    return world


def posted(world: World) -> list[tuple[ChannelId, str]]:
    return sorted((post.message.channel_id, post.message.text) for post in world.chat.posts)


async def test_a_broadcast_goes_to_every_joined_channel(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(Broadcast("hear, hear"))

    assert outcome == BroadcastSent("hear, hear", (world.c1, world.c2))
    assert posted(world) == [("C1", "hear, hear"), ("C2", "hear, hear")]


async def test_a_missing_message_is_reported_as_a_failure(world: World) -> None:
    async with world.pack():
        assert await world.outcome(Broadcast("")) == BroadcastFailed("", "missing message field", (), ())
    assert not world.chat.posts


async def test_one_failing_channel_does_not_stop_the_others(world: World) -> None:
    world.faults.fail_before("post", ChatRejected("is_archived", "unarchive it first"), times=1)

    async with world.pack():
        outcome = await world.outcome(Broadcast("hear, hear"))

    assert isinstance(outcome, BroadcastFailed)
    assert (outcome.message, outcome.channel_ids) == ("hear, hear", (world.c2,))
    assert outcome.failures == (ChannelFailure(world.c1, "is_archived: unarchive it first"),)
    assert posted(world) == [("C2", "hear, hear")]


async def test_the_error_names_every_failed_channel_with_its_code(world: World) -> None:
    c3 = world.chat.add_channel("C3", has_bot=True)
    await world.join(c3)
    world.faults.fail_before("post", ChatRejected("is_archived", "unarchive it first"), times=1)
    world.faults.fail_before("post", ChatRejected("restricted_action", "ask an admin"), times=1)

    async with world.pack():
        outcome = await world.outcome(Broadcast("hear, hear"))

    assert isinstance(outcome, BroadcastFailed)
    assert outcome.error == "not sent to 2 of 3 channels (C1: is_archived, C2: restricted_action)"
    assert outcome.channel_ids == (c3,)


async def test_a_broadcast_without_joined_channels_succeeds_with_no_channels() -> None:
    world = World()

    async with world.pack():
        assert await world.outcome(Broadcast("hear, hear")) == BroadcastSent("hear, hear", ())


async def test_a_broadcast_never_goes_to_direct_messages(world: World) -> None:
    world.chat.add_channel("D1", has_bot=True)

    async with world.pack():
        world.chat.say("D1", "a word with you")
        await world.outcome(Broadcast("hear, hear"))

    assert world.published_texts == ["a word with you"]
    assert posted(world) == [("C1", "hear, hear"), ("C2", "hear, hear")]


async def test_a_rate_limited_channel_does_not_delay_others(world: World) -> None:
    world.faults.fail_before("post", RateLimited(300), times=1)

    async with world.pack():
        action = world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(10)
        assert len(world.chat.posts) == 1

        outcome = await world.answer(action, within=300)

    assert outcome == BroadcastSent("hear, hear", (world.c1, world.c2))
    assert posted(world) == [("C1", "hear, hear"), ("C2", "hear, hear")]


async def test_a_broadcast_goes_to_the_channels_joined_when_it_starts(world: World) -> None:
    world.faults.fail_before("post", RateLimited(60), times=2)
    c3 = world.chat.add_channel("C3")

    async with world.pack():
        action = world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(10)
        world.chat.invite("C3")
        outcome = await world.answer(action, within=60)

    assert outcome == BroadcastSent("hear, hear", (world.c1, world.c2))
    assert c3 not in {post.message.channel_id for post in world.chat.posts}


async def test_a_text_that_slack_would_truncate_is_posted_nowhere(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(Broadcast("x" * 40_001))

    assert isinstance(outcome, BroadcastFailed)
    assert outcome.error.startswith("msg_too_long: ")
    assert [failure.channel_id for failure in outcome.failures] == ["C1", "C2"]
    assert not world.texts
