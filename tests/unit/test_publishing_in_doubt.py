"""Events in doubt: published to Flyte without a response, or before a kill. The audit tells whether Flyte has them."""

import pytest

from domain.errors import StorageUnavailable, WorkflowInDoubt, WorkflowServerError
from tests.support.environment import World

LOST = WorkflowInDoubt("connection reset")
FAILED = WorkflowServerError("500")
BROKEN = StorageUnavailable("disk full")


async def test_an_event_in_doubt_that_the_engine_has_is_not_sent_again(world: World) -> None:
    world.faults.fail_after("publish", LOST, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.published_texts == ["hello"]
    assert await world.waiting() == []


async def test_an_event_in_doubt_that_the_engine_does_not_have_is_sent_again(world: World) -> None:
    world.faults.fail_before("publish", LOST, times=2)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.published_texts == ["hello"]


async def test_the_audit_is_queried_twice_before_sending_again(world: World) -> None:
    world.faults.fail_before("publish", LOST, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.faults.count("were_published") == 2
    first, second = world.faults.called_at("were_published")
    assert second - first == pytest.approx(0.5)


async def test_an_event_is_sent_again_when_the_audit_is_unavailable(world: World) -> None:
    world.faults.fail_before("publish", LOST, times=1)
    world.faults.fail_before("were_published", FAILED)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.published_texts == ["hello"]


async def test_repeated_doubts_are_resolved_with_growing_pauses(world: World) -> None:
    world.faults.fail_before("publish", LOST)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(300)

    assert world.faults.count("were_published") <= 50


async def test_a_message_delivered_before_a_kill_is_not_delivered_again(world: World) -> None:
    world.faults.block("outbox.ack")
    async with world.killed_pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
        assert world.published_texts == ["hello"]
    world.faults.lift("outbox.ack")

    async with world.pack():
        world.chat.say("C1", "again here")
        await world.clock.advance(2)

    assert world.published_texts == ["hello", "again here"]


async def test_one_audit_query_covers_all_channels_after_a_kill(world: World) -> None:
    world.faults.block("outbox.ack")
    async with world.killed_pack():
        for channel in ("C1", "C2"):
            world.chat.say(channel, "hello")
        await world.clock.advance(2)
    world.faults.lift("outbox.ack")

    async with world.pack():
        await world.clock.advance(2)

    assert world.published_texts == ["hello", "hello"]
    assert world.faults.count("were_published") == 1


async def test_a_message_is_delivered_although_its_lane_is_lost_while_the_audit_is_queried(world: World) -> None:
    world.faults.block("publish")
    async with world.killed_pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
    world.faults.lift("publish")

    world.faults.delay("were_published", 60)
    async with world.pack():
        await world.clock.advance(1)
        for method in ("outbox.renew_lease", "outbox.claim"):
            world.faults.block(method)
        await world.clock.advance(25)
        [claim_of_another_process] = await world.storage.outbox.claim(1, 10, lease_seconds=5)
        assert claim_of_another_process.previous_lease_expired
        for method in ("outbox.renew_lease", "outbox.claim"):
            world.faults.lift(method)
        await world.clock.advance(400)

    assert world.published_texts == ["hello"]


async def test_a_message_claimed_but_not_delivered_before_a_kill_is_delivered(world: World) -> None:
    world.faults.block("publish")
    async with world.killed_pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
    world.faults.lift("publish")

    async with world.pack():
        await world.clock.advance(2)

    assert world.published_texts == ["hello"]


async def test_a_doubt_interrupted_by_shutdown_is_resolved_at_the_next_start(world: World) -> None:
    world.faults.fail_after("publish", LOST, times=1)
    world.faults.fail_before("were_published", FAILED)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(0.1)
        assert world.published_texts == ["hello"]
    world.faults.lift("were_published")

    async with world.pack():
        await world.clock.advance(10)

    assert world.published_texts == ["hello"]
    assert await world.waiting() == []


async def test_a_delivery_that_could_not_be_acked_before_shutdown_is_not_repeated(world: World) -> None:
    world.faults.fail_before("outbox.ack", BROKEN, times=2)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(0.15)
        assert world.published_texts == ["hello"]

    world.faults.lift("outbox.ack")
    async with world.pack():
        await world.clock.advance(10)

    assert world.published_texts == ["hello"]
