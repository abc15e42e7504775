"""Lookups of authors, which never prevent a message from being delivered."""

import pytest

from domain.errors import AuthenticationFailed, ChatError, ChatRejected, RateLimited, Unreachable
from domain.events import ReceivedMessage
from domain.users import User
from tests.support.environment import World, pack_settings

NO_ANSWER = Unreachable("timeout", "no answer")


def authors(world: World) -> list[User]:
    return [event.user for event, _ in world.engine.published]


async def test_an_event_has_the_author_of_its_message(world: World) -> None:
    ada = User("U2", "Ada", "ada@example.org", "Analyst", "Ada", "Lovelace")
    world.chat.add_user(ada)

    async with world.pack():
        world.chat.say("C1", "hello", user_id="U2")
        await world.clock.advance(1)

    assert authors(world) == [ada]


async def test_a_message_is_stored_and_acknowledged_before_its_author_is_looked_up(world: World) -> None:
    world.faults.block("look_up")

    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)
        assert world.receiver.acknowledged == [message]
        world.faults.lift("look_up")


@pytest.mark.parametrize(
    "error",
    [
        ChatRejected("user_not_found", "check the id"),
        ChatRejected("missing_scope", "add users:read"),
        AuthenticationFailed("token_revoked", "make a new one"),
    ],
)
async def test_a_user_who_cannot_be_looked_up_has_an_id_and_empty_strings(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)

    assert [event for event, _ in world.engine.published] == [ReceivedMessage(message, User("U1", "", "", "", "", ""))]


async def test_a_hanging_lookup_delays_a_message_by_ten_seconds(world: World) -> None:
    world.faults.block("look_up")

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(9.9)
        assert world.published_texts == []
        await world.clock.advance(0.2)
        assert authors(world) == [User("U1")]


@pytest.mark.parametrize("error", [NO_ANSWER, RateLimited(60), RateLimited(3)])
async def test_rate_limits_and_outages_delay_a_message_by_ten_seconds_in_all(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(9.8)
        assert world.published_texts == []
        await world.clock.advance(0.4)
        assert authors(world) == [User("U1")]


async def test_a_short_rate_limit_is_waited_out(world: World) -> None:
    world.faults.fail_before("look_up", RateLimited(3), times=2)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(7)

    assert authors(world) == [User("U1", "Ada")]


@pytest.mark.parametrize("error", [NO_ANSWER, RateLimited(600)])
async def test_not_every_message_waits_ten_seconds_while_slack_is_down(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        for number in range(10):
            world.chat.say("C1", str(number))
        await world.clock.advance(21)

    assert world.published_texts == [str(number) for number in range(10)]


@pytest.mark.parametrize("error", [NO_ANSWER, ChatRejected("user_not_found", "check the id"), RateLimited(600)])
async def test_a_failed_look_up_is_repeated_after_a_minute(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        world.chat.say("C1", "first")
        await world.clock.advance(11)
        attempts = world.faults.count("look_up")
        world.faults.lift("look_up")
        world.chat.say("C1", "within the minute")
        await world.clock.advance(1)
        assert world.faults.count("look_up") == attempts
        await world.clock.advance(60)
        world.chat.say("C1", "after it")
        await world.clock.advance(1)

    assert authors(world) == [User("U1"), User("U1"), User("U1", "Ada")]


async def test_a_failed_look_up_of_one_user_does_not_concern_others(world: World) -> None:
    world.chat.add_user(User("U2", "Grace"))
    world.faults.fail_before("look_up", ChatRejected("user_not_found", "check the id"), times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        world.chat.say("C1", "hello", user_id="U2")
        await world.clock.advance(1)

    assert authors(world) == [User("U1"), User("U2", "Grace")]


async def test_no_user_is_looked_up_for_a_message_without_one(world: World) -> None:
    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.say("C1", "without a user", user_id="")
        await world.clock.advance(1)

    assert authors(world) == [User("", is_bot=True)]
    assert world.faults.count("look_up") == 0


async def test_a_slow_lookup_in_one_channel_does_not_delay_others(world: World) -> None:
    world.faults.fail_before("look_up", RateLimited(8), times=1)

    async with world.pack():
        world.chat.say("C1", "slow")
        await world.clock.advance(1)
        world.chat.say("C2", "quick")
        await world.clock.advance(1)
        assert world.published_texts == ["quick"]
        await world.clock.advance(10)

    assert sorted(world.published_texts) == ["quick", "slow"]


async def test_shutdown_does_not_wait_for_a_rate_limited_lookup(world: World) -> None:
    world.faults.fail_before("look_up", RateLimited(8))
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
    assert world.published_texts == []
    world.faults.lift("look_up")

    async with world.pack():
        await world.clock.advance(1)

    assert authors(world) == [User("U1", "Ada")]


async def test_authors_of_live_messages_are_looked_up_before_those_of_backfilled_ones(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(60)]
    await world.join(*channels)
    with world.undelivered():
        await world.clock.advance(10)
        for channel_id in channels:
            world.chat.say(channel_id, "missed", user_id=f"U-{channel_id}")

    async with world.pack():
        world.faults.block("take")  # polling would slow the test down
        await world.clock.advance(60)
        assert len(world.published_texts) < 60
        world.chat.say("C1", "live")
        await world.clock.settle()
        assert world.published_texts[-1] == "live"
        await world.clock.advance(60)
        world.faults.lift("take")

    assert sorted(world.published_texts) == ["live", *["missed"] * 60]
    calls = world.faults.called_at("look_up")
    assert all(len([at for at in calls if start <= at < start + 60]) <= 61 for start in calls)
