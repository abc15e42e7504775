"""Delivery of messages from the outbox to the engine: each once, in the order of its channel."""

from structlog.testing import capture_logs

from domain.errors import StorageUnavailable, WorkflowServerError, WorkflowUnreachable
from domain.messages import IncomingMessage
from domain.outbox import outbox_entry
from tests.support.environment import World

DOWN = WorkflowUnreachable("connection refused")
FAILED = WorkflowServerError("500")
BROKEN = StorageUnavailable("disk full")


async def append_to_outbox(world: World, *messages: IncomingMessage) -> None:
    await world.storage.outbox.append([outbox_entry(one, world.clock.now()) for one in messages])


async def test_messages_of_one_channel_reach_the_engine_in_the_order_they_were_stored(world: World) -> None:
    texts = [str(number) for number in range(50)]

    async with world.pack():
        for text in texts:
            world.chat.say("C1", text)
        await world.engine.until(lambda: len(world.published_texts) == len(texts))

    assert world.published_texts == texts
    assert await world.waiting() == []


async def test_a_message_that_arrives_while_its_channel_is_delivered_follows_at_once(world: World) -> None:
    world.faults.block("publish")

    async with world.pack():
        world.chat.say("C1", "first")
        await world.clock.advance(0.1)
        world.chat.say("C1", "second")
        await world.clock.advance(0.1)
        world.faults.lift("publish")
        await world.clock.advance(0.05)
        assert world.published_texts == ["first", "second"]


async def test_the_outbox_is_asked_once_for_each_single_message(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        claims_before = len(world.faults.called_at("outbox.claim"))
        for number in range(3):
            world.chat.say("C1", str(number))
            await world.clock.advance(0.1)

        assert len(world.faults.called_at("outbox.claim")) - claims_before == 3
        assert world.faults.called_at("outbox.release") == []


async def test_every_attempt_carries_the_time_at_which_the_message_was_received(world: World) -> None:
    world.faults.fail_before("publish", FAILED, times=3)

    async with world.pack():
        await world.clock.advance(0.1234567)
        received_at = world.clock.now()
        world.chat.say("C1", "hello")
        await world.clock.advance(30)

    attempts = world.faults.called_with("publish")
    assert len(attempts) == 4
    assert {at for _, at in attempts} == {received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)}


async def test_a_channel_with_a_rejected_message_does_not_block_others(world: World) -> None:
    world.faults.fail_before("publish", FAILED, times=3)

    async with world.pack():
        world.chat.say("C1", "refused at first")
        await world.clock.advance(0.1)
        world.chat.say("C1", "behind it")
        world.chat.say("C2", "elsewhere")
        await world.clock.advance(0.05)
        assert "behind it" not in world.published_texts
        await world.clock.advance(30)

    assert sorted(world.published_texts) == ["behind it", "elsewhere", "refused at first"]
    assert world.published_texts.index("refused at first") < world.published_texts.index("behind it")


async def test_an_outage_of_the_engine_loses_nothing(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("publish", "register", "take"):
            world.faults.fail_before(method, DOWN)
        for number in range(30):
            world.chat.say("C1" if number % 2 else "C2", str(number))
            await world.clock.advance(20)
        assert world.published_texts == []
        assert len(await world.waiting()) == 30

        for method in ("publish", "register", "take"):
            world.faults.lift(method)
        await world.clock.advance(11)

    assert sorted(map(int, world.published_texts)) == list(range(30))
    assert [int(text) for text in world.published_texts if int(text) % 2] == list(range(1, 30, 2))


async def test_waiting_messages_are_delivered_after_a_restart(world: World) -> None:
    for method in ("publish", "register"):
        world.faults.fail_before(method, DOWN)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(60)
    for method in ("publish", "register"):
        world.faults.lift(method)

    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["hello"]


# Claims


async def test_an_outage_longer_than_a_lease_doubles_nothing(world: World) -> None:
    world.faults.block("outbox.ack")
    async with world.killed_pack():
        world.chat.say("C1", "delivered before")
        await world.clock.advance(2)
    world.faults.lift("outbox.ack")
    for method in ("were_published", "register"):
        world.faults.fail_before(method, DOWN)

    async with world.pack():
        await world.clock.advance(100)
        world.chat.say("C1", "new")
        world.chat.say("C2", "elsewhere")
        for method in ("were_published", "register"):
            world.faults.lift(method)
        await world.clock.advance(90)

    assert sorted(world.published_texts) == ["delivered before", "elsewhere", "new"]


async def test_a_storage_that_fails_longer_than_a_lease_doubles_nothing(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("outbox.ack", "outbox.renew_lease", "outbox.claim", "outbox.append"):
            world.faults.fail_before(method, BROKEN)
        await append_to_outbox(world, IncomingMessage(world.c2, "1767225600.000001", "noticed first", "U1"))
        world.faults.lift("outbox.append")
        world.faults.lift("outbox.claim")
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
        assert sorted(world.published_texts) == ["hello", "noticed first"]
        world.faults.fail_before("outbox.claim", BROKEN)
        world.chat.say("C1", "during the outage")
        await world.clock.advance(100)

        for method in ("outbox.claim", "outbox.ack", "outbox.renew_lease"):
            world.faults.lift(method)
            await world.clock.advance(6)
        await world.clock.advance(60)

    assert sorted(world.published_texts) == ["during the outage", "hello", "noticed first"]
    assert await world.waiting() == []


async def test_a_lease_is_not_lost_by_removing_the_last_message(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.fail_after("outbox.ack", BROKEN, times=8)
        with capture_logs() as logs:
            world.chat.say("C1", "hello")
            await world.clock.advance(60)

    events = [line["event"] for line in logs]
    assert world.published_texts == ["hello"]
    assert "lease_lost" not in events
    assert events.count("message_delivered") == 1


async def test_many_channels_are_served_concurrently_and_none_is_left_out(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(100)]
    await world.join(*channels)

    async with world.pack():
        for channel in channels:
            for text in ("one", "two", "three"):
                world.chat.say(channel, text)
        await world.engine.until(lambda: len(world.published_texts) == 300)

    for channel in channels:
        published = [each.text for each in world.engine.published_messages if each.channel_id == channel]
        assert published == ["one", "two", "three"]
