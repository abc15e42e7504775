"""The commands JoinChannel and LeaveChannel."""

import pytest

from domain.channels import ChannelId
from domain.commands import JoinChannel, LeaveChannel
from domain.errors import ChannelInaccessible, ChatRejected, RateLimited, Unreachable
from domain.events import ChannelJoined, ChannelLeft, JoinChannelFailed, LeaveChannelFailed
from tests.support.environment import World


@pytest.fixture
def world() -> World:
    return World()


async def joined(world: World) -> tuple[ChannelId, ...]:
    return (await world.storage.channels.joined()).ids


async def test_a_channel_is_joined_once_the_bot_is_a_member(world: World) -> None:
    async with world.pack():
        assert await world.outcome(JoinChannel(world.c1)) == ChannelJoined(world.c1)
        world.chat.say("C1", "hello")
        await world.clock.advance(1)

    assert await world.chat.is_member(world.c1)
    assert await joined(world) == (world.c1,)
    assert world.published_texts == ["hello"]


async def test_joining_a_joined_channel_succeeds(world: World) -> None:
    async with world.pack():
        await world.outcome(JoinChannel(world.c1))
        assert await world.outcome(JoinChannel(world.c1)) == ChannelJoined(world.c1)
    assert await joined(world) == (world.c1,)


async def test_a_private_channel_that_the_bot_was_invited_to_can_be_joined(world: World) -> None:
    private = world.chat.add_channel("G1", is_private=True, has_bot=True)

    async with world.pack():
        assert await world.outcome(JoinChannel(private)) == ChannelJoined(private)
    assert await joined(world) == (private,)


async def test_a_refused_join_is_reported_as_a_failure(world: World) -> None:
    private = world.chat.add_channel("G1", is_private=True)

    async with world.pack():
        outcome = await world.outcome(JoinChannel(private))

    assert isinstance(outcome, JoinChannelFailed)
    assert outcome.channel_id == private
    assert outcome.error.startswith("method_not_supported_for_channel_type: ")
    assert await joined(world) == ()


async def test_a_missing_channel_is_reported_as_a_failure_of_each_command(world: World) -> None:
    nowhere = ChannelId("")

    async with world.pack():
        join = await world.outcome(JoinChannel(nowhere))
        leave = await world.outcome(LeaveChannel(nowhere))

    assert join == JoinChannelFailed(nowhere, "missing channel id field")
    assert leave == LeaveChannelFailed(nowhere, "missing channel id field")


async def test_a_channel_is_left_once_the_bot_is_no_longer_a_member(world: World) -> None:
    await world.join(world.c1)

    async with world.pack():
        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)

    assert not await world.chat.is_member(world.c1)
    assert await joined(world) == ()


async def test_leaving_an_unjoined_channel_still_calls_slack(world: World) -> None:
    bystander = world.chat.add_channel("C3", has_bot=True)

    async with world.pack():
        assert await world.outcome(LeaveChannel(bystander)) == ChannelLeft(bystander)
    assert not await world.chat.is_member(bystander)


async def test_leaving_a_channel_without_the_bot_succeeds(world: World) -> None:
    async with world.pack():
        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "not_in_channel"])
async def test_a_joined_channel_that_is_gone_is_left(world: World, code: str) -> None:
    await world.join(world.c1)
    world.faults.fail_before("leave", ChannelInaccessible(code, "gone", world.c1))

    async with world.pack():
        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)
    assert await joined(world) == ()


async def test_a_joined_channel_that_the_pack_saw_go_is_left_again(world: World) -> None:
    await world.join(world.c1)
    world.chat.archive("C1")

    async with world.pack():
        await world.clock.advance(1)
        assert (await world.storage.channels.joined()).ids == ()
        world.faults.fail_before("leave", ChannelInaccessible("is_archived", "gone", world.c1))

        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)
        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived"])
async def test_leaving_an_unknown_channel_that_was_never_joined_fails(world: World, code: str) -> None:
    world.faults.fail_before("leave", ChannelInaccessible(code, "gone", world.c1))

    async with world.pack():
        outcome = await world.outcome(LeaveChannel(world.c1))
    assert outcome == LeaveChannelFailed(world.c1, f"{code}: gone")


async def test_a_joined_channel_that_became_inaccessible_is_left(world: World) -> None:
    await world.join(world.c1)
    world.faults.fail_before("leave", ChatRejected("access_denied", "ask the administrators"))

    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C1")
        assert await world.outcome(LeaveChannel(world.c1)) == ChannelLeft(world.c1)
    assert await joined(world) == ()


async def test_a_refused_leave_keeps_the_channel_joined(world: World) -> None:
    general = world.chat.add_channel("C0", is_general=True, has_bot=True)
    await world.join(general)

    async with world.pack():
        outcome = await world.outcome(LeaveChannel(general))

    assert isinstance(outcome, LeaveChannelFailed)
    assert outcome.error.startswith("cant_leave_general: ")
    assert await joined(world) == (general,)


@pytest.mark.parametrize(("command", "method"), [(JoinChannel, "join"), (LeaveChannel, "leave")])
async def test_rate_limits_and_outages_are_waited_out(
    world: World, command: type[JoinChannel | LeaveChannel], method: str
) -> None:
    world.faults.fail_before(method, RateLimited(30), times=1)
    world.faults.fail_before(method, Unreachable("timeout", "no answer"), times=3)

    async with world.pack():
        outcome = await world.outcome(command(world.c1), within=60)

    assert isinstance(outcome, ChannelJoined | ChannelLeft)
    assert 30 <= world.faults.called_at(method)[-1] <= 40


@pytest.mark.parametrize(("command", "method"), [(JoinChannel, "join"), (LeaveChannel, "leave")])
async def test_a_long_outage_is_reported_as_a_failure(
    world: World, command: type[JoinChannel | LeaveChannel], method: str
) -> None:
    world.faults.fail_before(method, Unreachable("timeout", "no answer"))

    async with world.pack():
        outcome = await world.outcome(command(world.c1), within=620)

    assert isinstance(outcome, JoinChannelFailed | LeaveChannelFailed)
    assert outcome.error == "timeout: no answer"


async def test_joined_channels_outlive_a_restart(world: World) -> None:
    async with world.pack():
        await world.outcome(JoinChannel(world.c1))

    async with world.pack():
        world.chat.say("C1", "still here?")
        await world.clock.advance(1)

    assert world.published_texts == ["still here?"]


async def test_the_pack_never_posts_on_its_own(world: World) -> None:
    async with world.pack():
        await world.outcome(JoinChannel(world.c1))
        world.chat.invite("C2")
        await world.clock.advance(10)
        await world.outcome(LeaveChannel(world.c1))

    assert not world.chat.posts
