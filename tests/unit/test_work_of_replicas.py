"""What one replica at a time does for all, and what all hear whichever of them was told."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from application.ports.receiver import Connected, Disconnected
from domain.channels import ChannelId
from domain.commands import JoinChannel, SendMessage
from domain.errors import StorageUnusable, Unreachable
from domain.events import ChannelJoined, MessageSent
from domain.messages import IncomingMessage, OutgoingMessage
from tests.support.environment import pack_settings
from tests.support.logs import captured_lines
from tests.support.replicas import LEASE_SECONDS, ReplicatedWorld, RunningReplica

C3 = ChannelId("C3")


@pytest.fixture
async def world() -> ReplicatedWorld:
    """The surroundings of packs that have not started yet, with C1 and C2 joined."""
    world = ReplicatedWorld()
    await world.join(world.c1, world.c2)
    await world.clock.advance(10_000)
    return world


@contextmanager
def heard_by(world: ReplicatedWorld, *replicas: RunningReplica) -> Iterator[None]:
    """Only these replicas receive what happens meanwhile, as by Socket Mode."""
    listeners = world.chat.listeners[:]
    world.chat.listeners[:] = [replica.receiver.deliver for replica in replicas]
    yield
    world.chat.listeners[:] = listeners


async def test_a_channel_joined_through_one_replica_is_heard_by_all_at_once(world: ReplicatedWorld) -> None:
    world.chat.add_channel(C3)
    async with world.replica().run() as a, world.replica().run() as b:
        b.faults.block("take")
        with heard_by(world, a):
            assert isinstance(await world.outcome(JoinChannel(C3)), ChannelJoined)
        with heard_by(world, b):
            world.chat.say(C3, "hello")
        await world.clock.advance(1)
        assert world.published_texts == ["hello"]
        b.faults.lift("take")


async def test_messages_are_heard_although_another_replica_learns_of_the_invitation(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(10)
        a.faults.delay("is_member", 3)
        with heard_by(world, a):
            world.chat.add_channel(C3)
            world.chat.invite(C3)
        with heard_by(world, b):
            for number in range(5):
                world.chat.say(C3, f"{number}")
                await world.clock.advance(0.3)
        await world.clock.advance(5)
        assert world.published_texts == ["0", "1", "2", "3", "4"]


async def test_a_bug_does_not_keep_later_messages_waiting_for_a_settlement(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(10)
        a.faults.delay("is_member", 3)
        b.faults.fail_before("outbox.append", RuntimeError("a bug"), times=1)
        with heard_by(world, a):
            world.chat.add_channel(C3)
            world.chat.invite(C3)
        with heard_by(world, b):
            world.chat.say(C3, "held")
            await world.clock.advance(5)
            assert b.receiver.redeliver() == 1
            await world.clock.advance(1)
            turns = turns_in(C3, b)
            world.chat.say(C3, "next")
            await world.clock.advance(1)
        assert world.published_texts == ["held", "next"]
        assert turns_in(C3, b) == turns


def turns_in(channel_id: ChannelId, replica: RunningReplica) -> int:
    return [lane for lane, *_ in replica.faults.called_with("leases.acquire")].count(channel_id)


async def test_messages_of_a_channel_that_was_left_are_not_heard_by_any_replica(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run():
        await world.clock.advance(10)
        world.chat.add_channel(C3)
        late = IncomingMessage(C3, "1700000000.000100", "late", "U1")
        a.receiver.deliver(late)
        await world.clock.advance(5)
        assert world.published_texts == []
        assert a.receiver.acknowledged == [late]


async def test_messages_of_a_channel_that_the_bot_is_in_without_having_joined_are_not_heard(
    world: ReplicatedWorld,
) -> None:
    world.chat.add_channel(C3, has_bot=True)
    async with world.replica().run() as a, world.replica().run():
        await world.clock.advance(10)
        world.chat.say(C3, "not for the pack")
        await world.clock.advance(5)
        assert world.published_texts == []
        assert a.faults.count("is_member") == 0


async def test_default_channels_are_joined_once(world: ReplicatedWorld) -> None:
    world.chat.add_channel(C3)
    settings = pack_settings(default_join_channels=(C3,))
    async with world.replica(settings).run() as a, world.replica(settings).run() as b:
        await world.clock.advance(10)
        assert a.faults.count("join") + b.faults.count("join") == 1


async def test_another_replica_joins_the_default_channels_if_the_first_one_is_lost(world: ReplicatedWorld) -> None:
    world.chat.add_channel(C3)
    settings = pack_settings(default_join_channels=(C3,))
    first = world.replica(settings)
    first.faults.block("join")
    async with first.run() as a, world.replica(settings).run() as b:
        await world.clock.advance(10)
        await a.kill()
        await world.clock.advance(LEASE_SECONDS + 10)
        assert b.faults.count("join") == 1
        assert C3 in await world.storage.channels.joined()


async def test_a_default_channel_that_another_replica_joined_meanwhile_is_not_joined_again(
    world: ReplicatedWorld,
) -> None:
    world.chat.add_channel(C3)
    settings = pack_settings(default_join_channels=(C3,))
    first = world.replica(settings)
    first.faults.fail_before("join", Unreachable("unreachable", "no connection"), times=1)
    first.faults.block("join")
    async with first.run() as a, world.replica(settings).run():
        await world.clock.advance(10)
        a.faults.block("heartbeat")
        await world.clock.advance(LEASE_SECONDS + 10)
        with capture_logs() as logs:
            a.faults.lift("heartbeat")
            a.faults.release("join")
            await world.clock.advance(30)
        assert world.faults.count("join") == 1
        assert [line for line in logs if line["event"] == "internal_error"] == []
        assert [line["channel"] for line in logs if line["event"] == "lease_lost"] == [C3]


async def test_one_replica_at_a_time_reads_the_history(world: ReplicatedWorld) -> None:
    await miss(world, "one", "two")
    a, b = world.replica(), world.replica()
    for replica in (a, b):
        replica.faults.delay("history", 5)
    async with a.run(), b.run():
        await world.clock.advance(60)
        assert world.published_texts == ["one", "two"]
        assert 0 in (a.faults.count("history"), b.faults.count("history"))


async def test_another_replica_goes_on_with_the_backfill_of_a_lost_one(world: ReplicatedWorld) -> None:
    await miss(world, "one", "two")
    first = world.replica()
    first.faults.block("history")
    async with first.run() as a, world.replica().run():
        await world.clock.advance(10)
        await a.kill()
        await world.clock.advance(LEASE_SECONDS + 15)
        assert world.published_texts == ["one", "two"]


async def test_messages_that_a_lost_replica_had_not_stored_are_read_from_the_history(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(60)
        b.faults.block("outbox.append")
        with heard_by(world, b):
            world.chat.say("C1", "delivered for the last time")
            await world.clock.advance(1)
        await b.kill()
        await world.clock.advance(2 * LEASE_SECONDS)
        assert world.published_texts == ["delivered for the last time"]
        read = a.faults.count("history")
        await world.clock.advance(600)
        assert a.faults.count("history") == read


async def test_no_history_is_read_because_a_replica_ended(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a:
        async with world.replica().run():
            await world.clock.advance(60)
            read = a.faults.count("history")
        await world.clock.advance(600)
        assert a.faults.count("history") == read


async def test_a_gap_of_one_replica_is_none_while_another_is_connected(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(60)
        read = a.faults.count("history") + b.faults.count("history")
        a.receiver.deliver(Disconnected("gone"))
        await world.clock.advance(600)
        a.receiver.deliver(Connected(600))
        await world.clock.advance(60)
        assert a.faults.count("history") + b.faults.count("history") == read


async def test_a_gap_of_all_replicas_is_read(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(60)
        for replica in (a, b):
            replica.receiver.deliver(Disconnected("gone"))
        await world.clock.advance(1)
        await miss(world, "missed")
        b.receiver.deliver(Connected(600))
        a.receiver.deliver(Connected(600))
        await world.clock.advance(60)
        assert world.published_texts == ["missed"]


async def test_a_gap_is_read_although_a_lost_replica_was_connected_a_moment_ago(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await world.clock.advance(60)
        b.receiver.deliver(Disconnected("gone"))
        world.chat.listeners.remove(b.receiver.deliver)
        await world.clock.advance(600)
        await a.kill()
        world.chat.say("C1", "missed")
        await world.clock.advance(LEASE_SECONDS - 2)
        b.receiver.deliver(Connected(600 + LEASE_SECONDS - 2))
        await world.clock.advance(60)
        assert world.published_texts == ["missed"]


async def test_a_gap_is_read_where_the_service_delivers_nothing_again(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run():
        await world.clock.advance(60)
        await miss(world, "missed")
        a.receiver.deliver(Connected(10, replays_missed=False))
        await world.clock.advance(60)
        assert world.published_texts == ["missed"]


async def test_an_action_that_a_lost_replica_swallowed_is_recovered_by_another(world: ReplicatedWorld) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        await _assert_recovers_action_of_killed(world, a, b)


async def test_an_action_that_a_replica_swallowed_after_it_stood_still_is_recovered_by_another(
    world: ReplicatedWorld,
) -> None:
    async with world.replica().run() as a, world.replica().run() as b:
        a.faults.block("heartbeat")
        await world.clock.advance(LEASE_SECONDS + 10)
        a.faults.lift("heartbeat")
        await world.clock.advance(10)
        await _assert_recovers_action_of_killed(world, a, b)


async def test_a_recovered_action_that_waits_for_its_channel_at_the_shutdown_is_in_the_journal(
    world: ReplicatedWorld,
) -> None:
    async with world.replica().run() as a:
        a.faults.fail_before("post", Unreachable("timeout", "no answer"))
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "earlier")))
        await world.clock.advance(1)
        for method in ("take", "journal.abandoned_poll_session"):
            a.faults.block(method)
        await world.clock.advance(1)
        async with world.replica().run() as b:
            b.faults.block("journal.record")
            action_id = world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
            await world.clock.advance(3)
            await b.kill()
        with captured_lines() as logs:
            async with world.replica().run():
                await world.clock.advance(LEASE_SECONDS + 30)
        about_it = [line["event"] for line in logs if line.get("ref") == action_id]
        assert about_it == ["swallowed_action_recovered", "action_kept_for_next_start"]
        a.faults.lift_all()


async def test_pauses_of_methods_go_on_when_another_replica_starts(world: ReplicatedWorld) -> None:
    async with world.replica().run():
        await world.storage.rate_limiter.pause("history", 100)
        async with world.replica().run():
            assert await world.storage.rate_limiter.pause_left("history") > 0


async def test_a_storage_of_another_bot_is_refused_before_anything_is_delivered(world: ReplicatedWorld) -> None:
    await store(world, "for another bot")
    world.shared.owner = ("T1", "another bot")
    with pytest.raises(ExceptionGroup) as group:
        async with world.replica().run():
            await world.clock.advance(60)
    assert group.group_contains(StorageUnusable)
    assert world.published_texts == []


async def test_a_shared_storage_is_delivered_from_although_slack_is_away(world: ReplicatedWorld) -> None:
    await store(world, "hello")
    replica = world.replica()
    replica.faults.fail_before("identify", Unreachable("timeout", "no answer"))
    async with replica.run():
        await world.clock.advance(30)
        assert world.published_texts == ["hello"]


async def miss(world: ReplicatedWorld, *texts: str) -> None:
    """Posts these texts in C1 over ten minutes, heard by nobody."""
    with heard_by(world):
        for text in texts:
            await world.clock.advance(600 / (len(texts) + 1))
            world.chat.say("C1", text)
        await world.clock.advance(600 / (len(texts) + 1))


async def store(world: ReplicatedWorld, text: str) -> None:
    """Leaves a message in the outbox, as a pack that ran earlier."""
    async with world.replica().run() as earlier:
        earlier.faults.block("publish")
        world.chat.say("C1", text)
        await world.clock.advance(1)
        await earlier.kill()


async def _assert_recovers_action_of_killed(
    world: ReplicatedWorld, killed: RunningReplica, other: RunningReplica
) -> None:
    """Kills a replica between taking an action and recording it, and expects the other one to execute the action."""
    other.faults.block("take")
    killed.faults.block("journal.record")
    await world.clock.advance(1)
    action_id = world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
    await world.clock.advance(3)
    other.faults.lift("take")
    await killed.kill()
    assert isinstance(await world.answer(action_id, LEASE_SECONDS + 40), MessageSent)
    assert world.texts == ["hello"]
