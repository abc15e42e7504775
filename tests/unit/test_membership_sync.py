"""Bringing the joined channels in line with where the bot is a member, at the start."""

import pytest
from structlog.testing import capture_logs

from adapters.memory.chat import MemoryChat
from domain.channels import ChannelId
from domain.commands import JoinChannel
from domain.errors import ChatRejected, RateLimited, StorageUnavailable, Unreachable
from domain.events import ChannelJoined
from tests.support.environment import Settings, World

NO_ANSWER = Unreachable("timeout", "no answer")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


class ForgetfulChat(MemoryChat):
    """Chat whose list of channels leaves out what single answers do not."""

    async def memberships(self) -> frozenset[ChannelId]:
        return frozenset()


async def joined(world: World) -> list[str]:
    return sorted((await world.storage.channels.joined()).ids)


async def start(world: World, *default_channels: str, seconds: float = 1) -> None:
    """Start the pack and stop it again."""
    async with world.pack(Settings(default_channels=tuple(map(ChannelId, default_channels)))):
        await world.clock.advance(seconds)


async def test_the_first_start_joins_nothing_of_its_own_accord(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    await start(world)

    assert await joined(world) == ["C1"]


async def test_where_the_bot_was_invited_meanwhile_is_joined(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    await start(world)
    with world.deaf():
        world.chat.invite("C2")

    async with world.pack():
        await world.clock.advance(1)
        world.chat.say("C2", "hello")
        world.chat.say("C3", "not for the pack")
        await world.clock.advance(1)

    assert await joined(world) == ["C1", "C2"]
    assert world.told == ["hello"]


async def test_where_the_bot_was_removed_meanwhile_is_left(world: World) -> None:
    await world.join(world.c2)
    await start(world)
    with world.deaf():
        world.chat.remove("C2")

    await start(world)

    assert await joined(world) == ["C1"]


async def test_what_was_archived_meanwhile_is_left(world: World) -> None:
    with world.deaf():
        world.chat.archive("C1")

    await start(world)

    assert await joined(world) == []


async def test_an_invitation_after_a_removal_that_was_heard_is_noticed(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    async with world.pack():
        await world.clock.advance(1)
        world.chat.remove("C3")
        await world.clock.advance(1)
    with world.deaf():
        world.chat.invite("C3")

    await start(world)

    assert await joined(world) == ["C1", "C3"]


async def test_a_channel_that_the_list_leaves_out_is_asked_for_before_it_is_left(world: World) -> None:
    world.chat = ForgetfulChat(world.clock)
    world.chat.add_channel("C1", has_bot=True)

    await start(world)

    assert await joined(world) == ["C1"]
    assert world.faults.called_with("is_member") == [(world.c1,)]


@pytest.mark.parametrize("error", [NO_ANSWER, ChatRejected("missing_scope", "add channels:read")])
@pytest.mark.parametrize("method", ["memberships", "is_member"])
async def test_what_slack_does_not_tell_stays_as_it_was(world: World, method: str, error: Exception) -> None:
    await start(world)
    with world.deaf():
        world.chat.remove("C1")
    world.faults.before(method, error)

    async with world.pack():
        await world.clock.advance(11)
        assert await joined(world) == ["C1"]
        world.faults.lift(method)
        assert await world.outcome(JoinChannel(world.c2)) == ChannelJoined(world.c2)


async def test_a_slack_that_does_not_tell_holds_up_the_start_for_seconds_only(world: World) -> None:
    world.faults.before("memberships", NO_ANSWER)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(3)

    assert world.told == ["hello"]


async def test_a_throttling_slack_holds_up_the_start_for_seconds_only(world: World) -> None:
    world.faults.before("memberships", RateLimited(60))

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(3)

    assert world.told == ["hello"]


# Default channels


async def test_default_channels_are_joined_at_the_start(world: World) -> None:
    await start(world, "C2", "C1")

    assert await joined(world) == ["C1", "C2"]
    assert await world.chat.is_member(world.c2)


async def test_a_default_channel_that_is_joined_already_is_not_asked_for(world: World) -> None:
    await start(world, "C1")

    assert world.faults.count("join") == 0


async def test_a_default_channel_that_refuses_the_bot_is_reported_and_ends_nothing(world: World) -> None:
    world.chat.add_channel("G1", is_private=True)

    with capture_logs() as logs:
        await start(world, "G1", "1234", "C2")

    assert await joined(world) == ["C1", "C2"]
    failed = [line for line in logs if line["event"] == "default_channel_not_joined"]
    assert [(line["channel"], line["log_level"]) for line in failed] == [("G1", "error"), ("1234", "error")]


async def test_the_pack_hears_and_works_while_a_default_channel_is_waited_for(world: World) -> None:
    world.faults.before("join", RateLimited(60))

    async with world.pack(Settings(default_channels=(world.c2,))):
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
        assert world.told == ["hello"]


async def test_a_stop_while_a_default_channel_is_waited_for_is_quick(world: World) -> None:
    world.faults.before("join", RateLimited(60))

    await start(world, "C2")

    assert await joined(world) == ["C1"]


async def test_a_default_channel_with_the_bot_in_it_is_joined_at_the_first_start(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    await start(world, "C3")

    assert await joined(world) == ["C1", "C3"]


@pytest.mark.parametrize("seconds", [0, 1, 20])
async def test_a_stop_while_the_storage_does_not_tell_what_is_joined_is_in_good_order(
    world: World, seconds: float
) -> None:
    world.faults.before("channels.joined", StorageUnavailable("disk full"))

    await start(world, "C2", seconds=seconds)
