"""Several packs on one storage: order, take-over, and what each does for all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from domain.actions import ActionId, ActionState
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    ChatCommand,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    UnknownCommand,
)
from domain.errors import Unreachable, WorkflowInDoubt, WorkflowServerError, WorkflowUnreachable
from domain.events import BroadcastSent, ChannelJoined, ChannelLeft, Fatal, MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import pack_settings
from tests.support.replicas import LEASE_SECONDS, ReplicatedWorld, RunningReplica

TAKE_OVER_SECONDS = 30


@pytest.fixture
async def world() -> ReplicatedWorld:
    """The surroundings of packs that have not started yet, with C1 and C2 joined."""
    world = ReplicatedWorld()
    await world.join(world.c1, world.c2)
    return world


def hello(text: str = "hello", channel: str = "C1") -> SendMessage:
    return SendMessage(OutgoingMessage(ChannelId(channel), text))


async def give(world: ReplicatedWorld, command: Command, other: RunningReplica) -> ActionId:
    """Lets the replica that is not the other one take the action."""
    other.faults.block("take")
    await world.clock.advance(1)
    action_id = world.engine.enqueue(command)
    await world.clock.advance(3)
    other.faults.lift("take")
    return action_id


def registered_commands(world: ReplicatedWorld) -> list[str]:
    assert world.engine.pack
    return [command.name for command in world.engine.pack.commands]


async def test_each_message_is_delivered_once_however_many_replicas_hear_it(world: ReplicatedWorld) -> None:
    async with world.replica().run(), world.replica().run(), world.replica().run():
        for number in range(20):
            world.chat.say("C1", f"message {number}")
        await world.clock.advance(5)
        assert world.published_texts == [f"message {number}" for number in range(20)]


async def test_actions_of_a_channel_are_executed_in_order_whoever_took_them(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("post")
        await give(world, hello("1"), b)
        await give(world, hello("2"), a)
        await give(world, hello("3"), b)
        await world.clock.advance(10)
        assert not world.texts
        a.faults.lift("post")
        await world.clock.advance(10)
        assert world.texts == ["1", "2", "3"]


async def test_a_channel_that_one_replica_has_does_not_delay_others(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("post")
        await give(world, hello("1"), b)
        await give(world, hello("2", "C2"), a)
        assert world.texts == ["2"]
        a.faults.lift("post")


async def test_what_a_lost_replica_had_in_hand_is_taken_over_in_time(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("post")
        action_id = await give(world, hello(), b)
        await a.kill()
        assert isinstance(await world.answer(action_id, TAKE_OVER_SECONDS + 60), MessageSent)
        assert world.texts == ["hello"]


async def test_a_post_of_a_lost_replica_is_found_and_not_repeated(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("journal.set_outcome")
        action_id = await give(world, hello(), b)
        await give(world, hello("next"), a)
        assert world.texts == ["hello"]
        await a.kill()
        assert isinstance(await world.answer(action_id, TAKE_OVER_SECONDS), MessageSent)
        await world.clock.advance(2)
        assert world.texts == ["hello", "next"]


async def test_a_replica_that_stood_still_does_not_post_what_was_taken_over(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.fail_before("post", Unreachable("timeout", "no answer"))
        action_id = await give(world, hello(), b)
        for method in ("heartbeat", "leases.check", "journal.begin_step", "journal.undo_begin_step"):
            a.faults.block(method)
        await world.answer(action_id, TAKE_OVER_SECONDS + 60)
        with capture_logs() as logs:
            a.faults.lift_all()
            await world.clock.advance(60)
        assert world.texts == ["hello"]
        assert "lease_lost" in {line["event"] for line in logs}
        assert len(world.engine.outcomes) == 1


async def test_a_replica_goes_on_with_an_action_that_it_lost_and_claimed_again(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a:
        a.faults.block("post")
        action_id = world.engine.enqueue(hello())
        await world.clock.advance(3)
        a.faults.block("heartbeat")
        await world.clock.advance(LEASE_SECONDS + 5)
        other = world.shared.process()
        async with other.open():  # takes the action over, and ends
            await other.journal.claim_orphans(10)
        a.faults.lift("heartbeat")
        await world.clock.advance(10)
        a.faults.lift("post")
        assert isinstance(await world.answer(action_id, 90), MessageSent)
        assert world.texts == ["hello"]


@asynccontextmanager
async def losing_before_its_turn(a: RunningReplica, b: RunningReplica, world: ReplicatedWorld) -> AsyncIterator[None]:
    """Lets an action wait for its turn at one replica, while the other takes it over and is killed before it ends."""
    a.faults.block("leases.acquire")
    b.faults.block("journal.set_outcome")
    yield
    a.faults.block("heartbeat")
    await world.clock.advance(TAKE_OVER_SECONDS)
    a.faults.lift("heartbeat")
    await b.kill()
    await world.clock.advance(TAKE_OVER_SECONDS)
    a.faults.lift("leases.acquire")


async def test_a_post_that_another_replica_began_meanwhile_is_looked_for(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        async with losing_before_its_turn(a, b, world):
            action_id = await give(world, hello(), b)
        assert isinstance(await world.answer(action_id, 90), MessageSent)
        assert world.texts == ["hello"]


async def test_a_broadcast_that_another_replica_made_meanwhile_is_not_repeated(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        async with losing_before_its_turn(a, b, world):
            action_id = await give(world, Broadcast("hello"), b)
        assert isinstance(await world.answer(action_id, 90), BroadcastSent)
        assert world.texts == ["hello", "hello"]


async def test_a_change_that_another_replica_made_meanwhile_is_not_made_again(world: ReplicatedWorld) -> None:
    def update(text: str) -> ChatCommand:
        return ChatCommand("UpdateMessage", {"channelId": "C1", "timestamp": message.timestamp, "message": text})

    async with world.replica().run() as a, world.replica().run() as b:
        await world.outcome(hello())
        [message] = world.chat.messages("C1")
        a.faults.block("leases.acquire")
        await give(world, update("one"), b)
        a.faults.block("heartbeat")
        await world.clock.advance(TAKE_OVER_SECONDS)
        await give(world, update("two"), a)
        a.faults.lift_all()
        await world.clock.advance(TAKE_OVER_SECONDS)
        assert [message.text for message in world.chat.messages("C1")] == ["two"]


async def test_a_replica_that_stood_still_does_not_deliver_what_was_taken_over(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        b.faults.block("outbox.claim")
        a.faults.fail_before("publish", WorkflowInDoubt("no answer"), times=1)
        a.faults.fail_before("were_published", WorkflowServerError("500"))
        a.faults.block("were_published")
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
        for method in ("outbox.renew_lease", "outbox.claim"):
            a.faults.block(method)
        b.faults.lift("outbox.claim")
        await world.clock.advance(LEASE_SECONDS + 10)
        assert world.published_texts == ["hello"]
        with capture_logs() as logs:
            a.faults.release("were_published")
            a.faults.lift("outbox.renew_lease")
            await world.clock.advance(30)
        assert world.published_texts == ["hello"]
        assert "lease_lost" in {line["event"] for line in logs}
        a.faults.lift_all()


async def test_a_replica_that_stood_still_in_an_outage_does_not_repeat_what_was_taken_over(
    world: ReplicatedWorld,
) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        b.faults.block("outbox.claim")
        a.faults.fail_before("publish", WorkflowUnreachable("timed out"), times=1)
        a.faults.block("publish")
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
        for method in ("outbox.renew_lease", "outbox.claim"):
            a.faults.block(method)
        b.faults.lift("outbox.claim")
        await world.clock.advance(LEASE_SECONDS + 10)
        assert world.published_texts == ["hello"]
        with capture_logs() as logs:
            a.faults.release("publish")
            await world.clock.advance(5)
            a.faults.lift("outbox.renew_lease")
            await world.clock.advance(30)
        assert world.published_texts == ["hello"]
        assert "lease_lost" in {line["event"] for line in logs}
        a.faults.lift_all()


@pytest.mark.parametrize("method", ["join", "leave"])
async def test_a_replica_that_stood_still_in_an_outage_does_not_repeat_a_membership(
    world: ReplicatedWorld, method: str
) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.fail_before(method, Unreachable("unreachable", "no connection"), times=1)
        a.faults.block(method)
        command = JoinChannel(world.c1) if method == "join" else LeaveChannel(world.c1)
        action_id = await give(world, command, b)
        a.faults.block("heartbeat")
        await world.clock.advance(TAKE_OVER_SECONDS)
        assert isinstance(await world.answer(action_id, 5), ChannelJoined | ChannelLeft)
        a.faults.lift("heartbeat")
        a.faults.release(method)
        await world.clock.advance(30)
        assert world.faults.count(method) == 1


async def test_a_broadcast_of_a_lost_replica_reaches_the_channels_that_are_left(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("journal.complete_step")
        action_id = await give(world, Broadcast("hello"), b)
        await a.kill()
        outcome = await world.answer(action_id, TAKE_OVER_SECONDS + 60)
        assert isinstance(outcome, BroadcastSent)
        assert sorted(post.message.channel_id for post in world.chat.posts) == ["C1", "C2"]


async def test_waiting_for_another_replica_costs_no_patience_while_that_one_waits_for_its_pace(
    world: ReplicatedWorld,
) -> None:
    settings = pack_settings(give_up_seconds=60, messages_per_second=0.1, message_burst=1)
    async with world.replica(settings).run() as a, world.replica(settings).run() as b:
        for number in range(10):
            await give(world, hello(f"a{number}"), b)
        last = await give(world, hello("b"), a)
        assert isinstance(await world.answer(last, 120), MessageSent)
        assert world.texts[-1] == "b"


async def test_a_command_that_only_a_newer_replica_knows_is_given_back_once(world: ReplicatedWorld) -> None:
    async with world.replica().run(), world.replica(version="99.0", commands=("New",)).run() as newer:
        await world.clock.advance(10)
        with capture_logs() as logs:
            action_id = await give(world, UnknownCommand("New"), newer)
            await world.clock.advance(60)
        assert [line["event"] for line in logs].count("action_given_back") == 1
        assert (await world.in_journal(action_id)).state is ActionState.TAKEN


async def test_a_command_that_only_a_lost_replica_knew_fails(world: ReplicatedWorld) -> None:
    async with world.replica().run(), world.replica(version="99.0", commands=("New",)).run() as newer:
        await world.clock.advance(10)
        action_id = await give(world, UnknownCommand("New"), newer)
        await newer.kill()
        assert isinstance(await world.answer(action_id, TAKE_OVER_SECONDS), Fatal)


async def test_a_command_that_only_a_lost_replica_knew_fails_although_that_one_recorded_it(
    world: ReplicatedWorld,
) -> None:
    async with world.replica().run() as older, world.replica(version="99.0", commands=("New",)).run() as newer:
        newer.faults.block("journal.set_outcome")
        action_id = await give(world, ChatCommand("New", {"channelId": "C1"}), older)
        await newer.kill()
        assert await world.answer(action_id, TAKE_OVER_SECONDS) == Fatal('no handler could be found for command "New"')


async def test_a_command_that_a_newer_replica_recorded_is_given_back_to_it(world: ReplicatedWorld) -> None:
    async with world.replica().run(), world.replica(version="99.0", commands=("New",)).run() as newer:
        await world.clock.advance(10)
        newer.faults.block("journal.set_outcome")
        with capture_logs() as logs:
            await give(world, ChatCommand("New", {"channelId": "C1"}), newer)
            await world.clock.advance(60)
        assert [line["event"] for line in logs if "outcome" in line or "given_back" in line["event"]] == [
            "action_given_back"
        ]
        newer.faults.lift("journal.set_outcome")


async def test_a_command_that_no_replica_knows_fails(world: ReplicatedWorld) -> None:
    async with world.replica().run(), world.replica(version="99.0").run():
        assert isinstance(await world.outcome(UnknownCommand("New")), Fatal)


async def test_the_newest_version_registers_the_pack_without_commands_that_others_lack(world: ReplicatedWorld) -> None:
    async with AsyncExitStack() as replicas:
        old = await replicas.enter_async_context(world.replica(version="1.0", commands=("SendMessage",)).run())
        await world.clock.advance(10)
        await replicas.enter_async_context(world.replica(version="2.0").run())
        assert registered_commands(world) == ["SendMessage"]
        await old.kill()
        await world.clock.advance(LEASE_SECONDS + 50)
        assert registered_commands(world) == ["SendMessage"]
        await world.clock.advance(30)
        assert "Broadcast" in registered_commands(world)


async def test_an_older_replica_registers_the_pack_once_no_newer_one_is_left(world: ReplicatedWorld) -> None:
    async with world.replica(version="2.0").run() as new, world.replica(version="1.0").run():
        await world.clock.advance(10)
        world.engine.forget_pack()
        await world.clock.advance(1)
        assert world.engine.pack is not None
        world.engine.pack = None
        await new.kill()
        await world.clock.advance(LEASE_SECONDS + 10)
        assert world.engine.pack is not None


async def test_settings_that_differ_between_replicas_are_named(world: ReplicatedWorld) -> None:
    with capture_logs() as logs:
        async with world.replica().run(), world.replica(pack_settings(receives_bots=True, give_up_seconds=5)).run():
            await world.clock.advance(30)
    warnings = [line["settings"] for line in logs if line["event"] == "replica_settings_differ"]
    assert warnings == [["FLYTE_SLACK_GIVE_UP", "FLYTE_SLACK_RECEIVE_BOTS"]] * 2


async def test_health_tells_the_number_of_replicas(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a:
        assert "replicas" not in a.status("storage")
        async with world.replica().run():
            await world.clock.advance(10)
            assert a.status("storage") == "working; replicas: 2"
        await world.clock.advance(10)
        assert "replicas" not in a.status("storage")
