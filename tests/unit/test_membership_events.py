"""Events about the bot's memberships, about channels with a new id, and of other workspaces."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from application.policies import Listen
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    Connected,
    MembershipGained,
    MembershipLost,
    OtherWorkspaceEvent,
    WorkspaceEvent,
)
from domain.channels import ChannelId
from domain.commands import Broadcast, JoinChannel, LeaveChannel
from domain.errors import ChatRejected, Unreachable
from domain.events import BroadcastSent
from domain.gaps import Gap
from domain.messages import IncomingMessage
from tests.support.environment import World, pack_settings


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


# Membership


async def test_inviting_the_bot_joins_a_channel_and_removing_it_leaves_it(world: World) -> None:
    async with world.pack():
        world.chat.invite("C2")
        world.chat.say("C2", "welcome")
        await world.clock.advance(1)
        world.chat.remove("C2")
        await world.clock.advance(1)
        assert world.c2 not in await world.storage.channels.joined()

    assert world.published_texts == ["welcome"]


async def test_archiving_a_channel_leaves_it(world: World) -> None:
    async with world.pack():
        world.chat.archive("C1")
        await world.clock.advance(1)

    assert (await world.storage.channels.joined()).ids == ()


async def test_a_message_between_invitation_and_removal_is_received_even_in_one_batch(world: World) -> None:
    async with world.pack():
        world.chat.say("C2", "before")
        world.chat.invite("C2")
        world.chat.say("C2", "between")
        world.chat.remove("C2")
        await world.clock.advance(1)
        world.receiver.deliver(IncomingMessage(world.c2, "1767225600.999999", "after", "U1"))
        await world.clock.advance(1)

    assert world.published_texts == ["between"]


@pytest.mark.parametrize("minutes", [-90, -1, 1, 90])
async def test_an_event_about_an_old_removal_does_not_leave_the_channel(world: World, minutes: int) -> None:
    async with world.pack():
        world.receiver.deliver(MembershipLost(world.c1, world.clock.now() + timedelta(minutes=minutes)))
        world.chat.say("C1", "received")
        await world.clock.advance(1)
        assert world.c1 in await world.storage.channels.joined()

    assert world.published_texts == ["received"]


@pytest.mark.parametrize("minutes", [-90, -1, 1, 90])
async def test_a_removal_is_followed_whatever_its_time(world: World, minutes: int) -> None:
    async with world.pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.remove("C1")
        world.receiver.deliver(MembershipLost(world.c1, world.clock.now() + timedelta(minutes=minutes)))
        await world.clock.advance(1)

    assert (await world.storage.channels.joined()).ids == ()


async def test_an_event_about_an_old_invitation_does_not_rejoin_a_channel(world: World) -> None:
    async with world.pack():
        world.chat.invite("C2")
        await world.clock.advance(1)
        await world.outcome(LeaveChannel(world.c2))
        gained = MembershipGained(world.c2, world.clock.now())
        world.receiver.deliver(gained)
        await world.clock.advance(1)
        assert await world.outcome(Broadcast("to all")) == BroadcastSent("to all", (world.c1,))

    assert gained in world.receiver.acknowledged
    assert (await world.storage.channels.joined()).ids == (world.c1,)


async def test_an_invitation_and_the_removal_after_it_may_both_arrive_late(world: World) -> None:
    async with world.pack():
        world.receiver.deliver(MembershipGained(world.c2, world.clock.now()))
        world.receiver.deliver(MembershipLost(world.c2, world.clock.now()))
        await world.clock.advance(1)

    assert world.c2 not in await world.storage.channels.joined()


async def test_messages_are_stored_and_acknowledged_while_a_membership_is_in_doubt(world: World) -> None:
    world.faults.block("is_member")

    async with world.pack():
        world.chat.invite("C2")
        messages = [world.chat.say("C2", "welcome"), world.chat.say("C1", "hello")]
        await world.clock.advance(60)
        assert [event for event in world.receiver.acknowledged if not isinstance(event, Connected)] == messages
        assert sorted(world.published_texts) == ["hello", "welcome"]

        world.faults.lift("is_member")
        await world.clock.advance(1)
        assert MembershipGained(world.c2) in world.receiver.acknowledged
        assert world.c2 in await world.storage.channels.joined()


async def test_a_membership_event_that_was_in_doubt_at_shutdown_is_redelivered(world: World) -> None:
    world.faults.fail_before("is_member", Unreachable("timeout", "no answer"))
    async with world.pack():
        await world.clock.advance(1)
        world.chat.invite("C2")
        await world.clock.advance(1)
    assert world.c2 not in await world.storage.channels.joined()
    world.faults.lift("is_member")

    assert world.receiver.redeliver() == 1
    async with world.pack():
        await world.clock.advance(1)

    assert world.c2 in await world.storage.channels.joined()


async def test_a_removal_during_the_question_about_an_invitation_is_followed(world: World) -> None:
    world.faults.block("is_member")

    async with world.pack():
        world.chat.invite("C2")
        await world.clock.advance(1)
        world.chat.remove("C2")
        world.chat.invite("C2")
        world.chat.remove("C2")
        world.faults.lift("is_member")
        await world.clock.advance(1)

    assert world.c2 not in await world.storage.channels.joined()


async def test_a_removal_just_after_an_invitation_was_settled_is_followed(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.block("leases.release")
        world.chat.invite("C2")
        await world.clock.advance(1)
        world.chat.remove("C2")
        await world.clock.advance(1)
        world.faults.lift("leases.release")
        await world.clock.advance(1)
        assert MembershipLost(world.c2) in world.receiver.acknowledged

    assert world.c2 not in await world.storage.channels.joined()


@pytest.mark.parametrize(("event", "expected"), [(MembershipGained, ("C1", "C2")), (MembershipLost, ())])
async def test_the_event_is_believed_if_slack_refuses_to_tell(
    world: World, event: type[MembershipGained | MembershipLost], expected: tuple[str, ...]
) -> None:
    world.faults.fail_before("is_member", ChatRejected("missing_scope", "add channels:read"))

    async with world.pack():
        world.receiver.deliver(event(world.c2 if event is MembershipGained else world.c1))
        await world.clock.advance(1)

    assert (await world.storage.channels.joined()).ids == expected


async def test_a_channel_keeps_being_heard_under_a_new_id(world: World) -> None:
    world.chat.add_channel("C9", has_bot=True)

    async with world.pack():
        world.receiver.deliver(ChannelIdChanged(world.c1, ChannelId("C9")))
        world.receiver.deliver(ChannelIdChanged(world.c2, ChannelId("C8")))
        world.chat.say("C9", "hello")
        await world.clock.advance(1)

    assert (await world.storage.channels.joined()).ids == ("C9",)
    assert world.published_texts == ["hello"]


async def test_what_is_still_to_be_read_of_a_channel_is_read_under_its_new_id(world: World) -> None:
    world.chat.add_channel("C9", has_bot=True)
    async with world.killed_pack():
        await world.clock.advance(1)
        with world.undelivered():
            world.chat.say("C9", "missed")
        await world.clock.advance(1)
        world.chat.say("C1", "heard")
        await world.clock.advance(1)
        gap = Gap(world.c1, world.clock.now() - timedelta(minutes=5), world.clock.now())
        await world.storage.gaps.add([gap])
        world.receiver.deliver(ChannelIdChanged(world.c1, ChannelId("C9")))
        await world.clock.advance(1)

    async with world.pack():
        await world.clock.advance(10)

    assert world.published_texts == ["heard", "missed"]


async def test_a_channel_that_is_not_heard_stays_so_under_a_new_id(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)
    async with world.pack():
        await world.clock.advance(1)
        world.receiver.deliver(ChannelIdChanged(ChannelId("C3"), ChannelId("C9")))
        await world.clock.advance(1)

    assert await world.storage.channels.unjoined_memberships() == frozenset({ChannelId("C9")})


# Other workspaces of the same app


async def test_events_of_another_workspace_are_ignored_and_logged_once(world: World) -> None:
    events: list[WorkspaceEvent] = [
        IncomingMessage(ChannelId("D7"), "1767225600.000001", "directly", "U7", is_direct=True),
        IncomingMessage(ChannelId("C7"), "1767225600.000002", "there", "U7"),
        MembershipLost(ChannelId("C7")),
        AccessLost("app_uninstalled"),
    ]
    with capture_logs() as logs:
        async with world.pack(pack_settings(listen=Listen.MEMBER)):
            await world.clock.advance(1)
            asked = world.faults.count("identify")
            for event in events:
                world.receiver.deliver(OtherWorkspaceEvent("T7", event))
            world.receiver.deliver(OtherWorkspaceEvent("T8", events[0]))
            await world.clock.advance(1)

    assert world.published_texts == []
    assert len(world.receiver.acknowledged) == 5
    assert world.faults.count("identify") == asked
    assert [line["team"] for line in logs if line["event"] == "other_workspace_ignored"] == ["T7", "T8"]


async def test_a_channel_being_joined_is_heard_whatever_workspace_an_event_names(world: World) -> None:
    world.faults.block("is_member")

    async with world.pack():
        await world.clock.advance(1)
        world.chat.invite("C2")
        world.receiver.deliver(
            OtherWorkspaceEvent("T7", IncomingMessage(world.c2, "1767225600.000001", "shared", "U1"))
        )
        await world.clock.advance(1)
        world.faults.lift("is_member")

    assert world.published_texts == ["shared"]


async def test_a_joined_channel_is_heard_whatever_workspace_an_event_names(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        message = IncomingMessage(world.c1, "1767225600.000001", "shared", "U1")
        world.receiver.deliver(OtherWorkspaceEvent("T7", message))
        await world.clock.advance(1)

    assert world.published_texts == ["shared"]


async def test_an_event_about_a_join_requested_by_a_flow_changes_nothing(world: World) -> None:
    with capture_logs() as logs:
        async with world.pack():
            await world.outcome(JoinChannel(world.c2))
            world.receiver.deliver(MembershipGained(world.c2))
            await world.clock.advance(1)

    assert "channel_joined" not in [line["event"] for line in logs]
    assert world.faults.count("channels.join") == 1
