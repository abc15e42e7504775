"""Synchronisation of joined channels with the bot's memberships at start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from domain.channels import ChannelId
from domain.commands import Broadcast, Command, JoinChannel, LeaveChannel, SendMessage
from domain.errors import ChannelInaccessible, ChatRejected, RateLimited, StorageUnavailable, Unreachable
from domain.events import ChannelJoined
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings

NO_ANSWER = Unreachable("timeout", "no answer")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


class ChatWithEmptyList(MemoryChat):
    """A chat service whose list of channels is empty, though it answers for single channels."""

    async def memberships(self) -> frozenset[ChannelId]:
        return frozenset()


class SlowReceiver(MemoryReceiver):
    """A receiver that takes some seconds to connect."""

    def __init__(self, world: World, seconds: float) -> None:
        super().__init__(world.chat, world.pack_clock)
        self._seconds = seconds

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        await asyncio.sleep(self._seconds)
        async with super().events() as events:
            yield events


async def joined(world: World) -> list[str]:
    return sorted((await world.storage.channels.joined()).ids)


async def start(world: World, *default_channels: str, seconds: float = 1) -> None:
    """Starts the pack and shuts it down again."""
    async with world.pack(pack_settings(default_join_channels=tuple(map(ChannelId, default_channels)))):
        await world.clock.advance(seconds)


async def test_the_first_start_joins_no_channels(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    await start(world)

    assert await joined(world) == ["C1"]


async def test_channels_the_bot_was_invited_to_while_down_are_joined(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    await start(world)
    with world.undelivered():
        world.chat.invite("C2")

    async with world.pack():
        await world.clock.advance(1)
        world.chat.say("C2", "hello")
        world.chat.say("C3", "not for the pack")
        await world.clock.advance(1)

    assert await joined(world) == ["C1", "C2"]
    assert world.published_texts == ["hello"]


async def test_channels_the_bot_was_removed_from_while_down_are_left(world: World) -> None:
    await world.join(world.c2)
    await start(world)
    with world.undelivered():
        world.chat.remove("C2")

    await start(world)

    assert await joined(world) == ["C1"]


async def test_channels_archived_while_down_are_left(world: World) -> None:
    with world.undelivered():
        world.chat.archive("C1")

    await start(world)

    assert await joined(world) == []


async def test_an_invitation_after_a_received_removal_is_noticed(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    async with world.pack():
        await world.clock.advance(1)
        world.chat.remove("C3")
        await world.clock.advance(1)
    with world.undelivered():
        world.chat.invite("C3")

    await start(world)

    assert await joined(world) == ["C1", "C3"]


async def test_a_channel_missing_from_the_list_is_verified_before_it_is_left(world: World) -> None:
    world.chat = ChatWithEmptyList(world.clock)
    world.chat.add_channel("C1", has_bot=True)

    await start(world)

    assert await joined(world) == ["C1"]
    assert set(world.faults.called_with("is_member")) == {(world.c1,)}


@pytest.mark.parametrize("error", [NO_ANSWER, ChatRejected("missing_scope", "add channels:read")])
@pytest.mark.parametrize("methods", [["memberships", "is_member"], ["is_member"]])
async def test_channels_stay_joined_when_memberships_are_unavailable(
    world: World, methods: list[str], error: Exception
) -> None:
    await start(world)
    with world.undelivered():
        world.chat.remove("C1")
    for method in methods:
        world.faults.fail_before(method, error)

    async with world.pack():
        await world.clock.advance(11)
        assert await joined(world) == ["C1"]
        world.faults.lift_all()
        assert await world.outcome(JoinChannel(world.c2)) == ChannelJoined(world.c2)


async def test_unavailable_memberships_delay_the_start_for_seconds_only(world: World) -> None:
    world.faults.fail_before("memberships", NO_ANSWER)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(3)

    assert world.published_texts == ["hello"]


async def test_rate_limited_memberships_delay_the_start_for_seconds_only(world: World) -> None:
    world.faults.fail_before("memberships", RateLimited(60))

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(3)

    assert world.published_texts == ["hello"]


# While the pack runs


async def test_memberships_are_reconciled_after_each_connection(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C1")
            world.chat.invite("C2")
        world.receiver.deliver(Disconnected("the connection broke"))
        world.receiver.deliver(Connected(5))
        await world.clock.advance(1)
        assert await joined(world) == ["C2"]


async def test_memberships_are_reconciled_every_ten_minutes(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C1")
        await world.clock.advance(605)
        assert await joined(world) == []


async def test_a_channel_left_during_the_reconciliation_is_not_joined_again(world: World) -> None:
    await start(world)
    world.faults.block("is_member")

    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.invite("C2")
        world.receiver.deliver(Connected(5))
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C2")
        world.faults.lift("is_member")
        await world.clock.advance(1)

    assert await joined(world) == ["C1"]


@pytest.mark.parametrize("command", [SendMessage(OutgoingMessage(ChannelId("C1"), "hello")), Broadcast("hello")])
async def test_a_refused_post_shows_that_the_bot_was_removed(world: World, command: Command) -> None:
    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C1")
        await world.outcome(command)
        await world.clock.advance(1)
        assert await joined(world) == []


async def test_a_refused_post_does_not_end_a_membership_that_slack_confirms(world: World) -> None:
    refusal = ChannelInaccessible("not_in_channel", "the bot is not a member", world.c1)
    world.faults.fail_before("post", refusal, times=1)

    async with world.pack():
        await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(1)
        assert world.is_healthy("slack")

    assert await joined(world) == ["C1"]


async def test_a_history_that_is_not_readable_shows_that_the_bot_was_removed(world: World) -> None:
    await start(world)
    with world.undelivered():
        world.chat.remove("C1")
    world.faults.fail_before("memberships", NO_ANSWER)

    await start(world, seconds=5)

    assert await joined(world) == []


# Channels that are joined and not heard


async def test_health_and_log_count_channels_of_which_slack_says_nothing(world: World) -> None:
    await world.join(world.c2)
    await start(world)
    for channel in ("C1", "C2"):
        with world.undelivered():
            world.chat.remove(channel)
    world.faults.fail_before("is_member", ChatRejected("access_denied", "ask the administrators"))

    with capture_logs() as logs:
        async with world.pack():
            await world.clock.advance(6)
            assert not world.is_healthy("slack")
            assert "joined channels that are not heard: 2" in world.check("slack").status
            assert {line["channel"] for line in logs if line["event"] == "membership_unknown"} == {"C1", "C2"}

            await world.outcome(LeaveChannel(world.c2))
            await world.clock.advance(1)
            assert "joined channels that are not heard: 1" in world.check("slack").status

            world.faults.lift("is_member")
            world.chat.invite("C1")
            world.receiver.deliver(Connected(5))
            await world.clock.advance(1)
            assert world.is_healthy("slack")


async def test_channels_are_not_heard_while_slack_is_asked_about_them(world: World) -> None:
    await start(world)
    with world.undelivered():
        world.chat.remove("C1")
    world.faults.fail_before("is_member", RateLimited(60), times=1)

    with capture_logs() as logs:
        async with world.pack():
            await world.clock.advance(30)
            assert "joined channels that are not heard: 1" in world.check("slack").status
            await world.clock.advance(40)
            assert world.is_healthy("slack")

    assert [line["channels"] for line in logs if line["event"] == "channels_not_heard"] == [["C1"]]
    assert await joined(world) == []


# Default channels


async def test_default_channels_are_joined_at_the_start(world: World) -> None:
    await start(world, "C2", "C1")

    assert await joined(world) == ["C1", "C2"]
    assert await world.chat.is_member(world.c2)


async def test_default_channels_are_joined_once_their_events_can_be_received(world: World) -> None:
    world.receiver = SlowReceiver(world, 1)

    async with world.pack(pack_settings(default_join_channels=(world.c2,))):
        await world.clock.advance(0.9)
        assert await joined(world) == ["C1"]

        await world.clock.advance(0.2)
        assert await joined(world) == ["C1", "C2"]


async def test_default_channels_are_joined_also_while_no_events_can_be_received(world: World) -> None:
    world.receiver = SlowReceiver(world, 60)

    async with world.killed_pack(pack_settings(default_join_channels=(world.c2,))):
        await world.clock.advance(3)
        assert await joined(world) == ["C1", "C2"]


async def test_a_default_channel_already_joined_is_not_joined_again(world: World) -> None:
    await start(world, "C1")

    assert world.faults.count("join") == 0


async def test_a_default_channel_that_refuses_the_bot_is_reported_and_not_fatal(world: World) -> None:
    world.chat.add_channel("G1", is_private=True)

    with capture_logs() as logs:
        await start(world, "G1", "1234", "C2")

    assert await joined(world) == ["C1", "C2"]
    failed = [line for line in logs if line["event"] == "default_channel_not_joined"]
    assert [(line["channel"], line["log_level"]) for line in failed] == [("G1", "error"), ("1234", "error")]


async def test_the_pack_works_while_joining_a_default_channel_is_retried(world: World) -> None:
    world.faults.fail_before("join", RateLimited(60))

    async with world.pack(pack_settings(default_join_channels=(world.c2,))):
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
        assert world.published_texts == ["hello"]


async def test_shutdown_while_joining_a_default_channel_is_quick(world: World) -> None:
    world.faults.fail_before("join", RateLimited(60))

    await start(world, "C2")

    assert await joined(world) == ["C1"]


async def test_a_default_channel_with_the_bot_is_joined_at_the_first_start(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    await start(world, "C3")

    assert await joined(world) == ["C1", "C3"]


@pytest.mark.parametrize("seconds", [0, 1, 20])
async def test_shutdown_while_the_joined_channels_cannot_be_read_is_graceful(world: World, seconds: float) -> None:
    world.faults.fail_before("channels.joined", StorageUnavailable("disk full"))

    await start(world, "C2", seconds=seconds)
