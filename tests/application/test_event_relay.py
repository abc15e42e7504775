"""The way of a message from the outbox to the engine: each once, in its channel's order."""

from datetime import datetime
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from adapters.memory.workflow import MemoryWorkflow
from application.ports.storage import OutboxEntry
from domain.errors import Malformed, NotTaken, StorageUnavailable, WorkflowInDoubt, WorkflowUnreachable
from domain.events import ReceivedMessage
from domain.messages import Said
from tests.world import World

DOWN = WorkflowUnreachable("connection refused")
LOST = WorkflowInDoubt("connection reset")
FAILED = NotTaken("500")
BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    return world


async def put_in_outbox(world: World, *said: Said) -> None:
    await world.storage.outbox.append([OutboxEntry(one, world.clock.now()) for one in said])


# Each message once, in order


async def test_messages_of_one_channel_reach_the_engine_in_the_order_in_which_they_became_safe(world: World) -> None:
    texts = [str(number) for number in range(50)]

    async with world.pack():
        for text in texts:
            world.chat.say("C1", text)
        await world.engine.until(lambda: len(world.told) == len(texts))

    assert world.told == texts
    assert await world.waiting() == []


async def test_an_event_has_the_time_at_which_the_pack_got_the_message_on_every_attempt(world: World) -> None:
    world.faults.before("publish", FAILED, times=3)

    async with world.pack():
        await world.clock.advance(0.1234567)
        heard_at = world.clock.now()
        world.chat.say("C1", "hello")
        await world.clock.advance(30)

    attempts = world.faults.called_with("publish")
    assert len(attempts) == 4
    assert {at for _, at in attempts} == {heard_at.replace(microsecond=heard_at.microsecond // 1000 * 1000)}


async def test_a_channel_whose_message_is_refused_holds_up_no_other(world: World) -> None:
    world.faults.before("publish", FAILED, times=3)

    async with world.pack():
        world.chat.say("C1", "refused at first")
        await world.clock.advance(0.1)
        world.chat.say("C1", "behind it")
        world.chat.say("C2", "elsewhere")
        await world.clock.advance(0.05)
        assert "behind it" not in world.told
        await world.clock.advance(30)

    assert sorted(world.told) == ["behind it", "elsewhere", "refused at first"]
    assert world.told.index("refused at first") < world.told.index("behind it")


async def test_an_outage_of_the_engine_loses_nothing(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("publish", "register", "take"):
            world.faults.before(method, DOWN)
        for number in range(30):
            world.chat.say("C1" if number % 2 else "C2", str(number))
            await world.clock.advance(20)
        assert world.told == []
        assert len(await world.waiting()) == 30

        for method in ("publish", "register", "take"):
            world.faults.lift(method)
        await world.clock.advance(11)

    assert sorted(map(int, world.told)) == list(range(30))
    assert [int(text) for text in world.told if int(text) % 2] == list(range(1, 30, 2))


async def test_what_waits_is_delivered_after_a_restart(world: World) -> None:
    for method in ("publish", "register"):
        world.faults.before(method, DOWN)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(60)
    for method in ("publish", "register"):
        world.faults.lift(method)

    async with world.pack():
        await world.clock.advance(1)

    assert world.told == ["hello"]


# In doubt


async def test_an_event_in_doubt_that_the_engine_has_is_not_sent_again(world: World) -> None:
    world.faults.after("publish", LOST, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.told == ["hello"]
    assert await world.waiting() == []


async def test_an_event_in_doubt_that_the_engine_does_not_have_is_sent_again(world: World) -> None:
    world.faults.before("publish", LOST, times=2)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.told == ["hello"]


async def test_the_audit_is_looked_at_twice_before_sending_again(world: World) -> None:
    world.faults.before("publish", LOST, times=1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.faults.count("were_published") == 2
    first, second = world.faults.called_at("were_published")
    assert second - first == pytest.approx(0.5)


async def test_an_audit_that_can_not_be_read_means_sending_again(world: World) -> None:
    world.faults.before("publish", LOST, times=1)
    world.faults.before("were_published", FAILED)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.told == ["hello"]


async def test_an_engine_that_leaves_every_event_in_doubt_is_asked_less_and_less_often(world: World) -> None:
    world.faults.before("publish", LOST)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(300)

    assert world.faults.count("were_published") <= 50


async def test_a_message_that_was_delivered_before_a_kill_is_not_delivered_again(world: World) -> None:
    world.faults.hold("outbox.done")
    async with world.killed_pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
        assert world.told == ["hello"]
    world.faults.lift("outbox.done")

    async with world.pack():
        world.chat.say("C1", "again here")
        await world.clock.advance(2)

    assert world.told == ["hello", "again here"]


async def test_after_a_kill_one_question_serves_all_channels(world: World) -> None:
    world.faults.hold("outbox.done")
    async with world.killed_pack():
        for channel in ("C1", "C2"):
            world.chat.say(channel, "hello")
        await world.clock.advance(2)
    world.faults.lift("outbox.done")

    async with world.pack():
        await world.clock.advance(2)

    assert world.told == ["hello", "hello"]
    assert world.faults.count("were_published") == 1


async def test_a_message_that_was_claimed_and_not_delivered_before_a_kill_is_delivered(world: World) -> None:
    world.faults.hold("publish")
    async with world.killed_pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(2)
    world.faults.lift("publish")

    async with world.pack():
        await world.clock.advance(2)

    assert world.told == ["hello"]


async def test_a_stop_in_the_middle_of_a_doubt_leaves_it_to_the_next_start(world: World) -> None:
    world.faults.after("publish", LOST, times=1)
    world.faults.before("were_published", FAILED)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(0.1)
        assert world.told == ["hello"]
    world.faults.lift("were_published")

    async with world.pack():
        await world.clock.advance(10)

    assert world.told == ["hello"]
    assert await world.waiting() == []


async def test_a_stop_while_a_delivery_can_not_be_noted_does_not_deliver_it_again(world: World) -> None:
    world.faults.before("outbox.done", BROKEN, times=2)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(0.15)
        assert world.told == ["hello"]

    world.faults.lift("outbox.done")
    async with world.pack():
        await world.clock.advance(10)

    assert world.told == ["hello"]


# Claims


async def test_an_outage_longer_than_a_lease_doubles_nothing(world: World) -> None:
    world.faults.hold("outbox.done")
    async with world.killed_pack():
        world.chat.say("C1", "delivered before")
        await world.clock.advance(2)
    world.faults.lift("outbox.done")
    for method in ("were_published", "register"):
        world.faults.before(method, DOWN)

    async with world.pack():
        await world.clock.advance(100)
        world.chat.say("C1", "new")
        world.chat.say("C2", "elsewhere")
        for method in ("were_published", "register"):
            world.faults.lift(method)
        await world.clock.advance(90)

    assert sorted(world.told) == ["delivered before", "elsewhere", "new"]


async def test_a_storage_that_fails_longer_than_a_lease_doubles_nothing(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("outbox.done", "outbox.extend", "outbox.claim", "outbox.append"):
            world.faults.before(method, BROKEN)
        await put_in_outbox(world, Said(world.c2, "1767225600.000001", "noticed first", "U1"))
        world.faults.lift("outbox.append")
        world.faults.lift("outbox.claim")
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
        assert sorted(world.told) == ["hello", "noticed first"]
        world.faults.before("outbox.claim", BROKEN)
        world.chat.say("C1", "during the outage")
        await world.clock.advance(100)

        for method in ("outbox.claim", "outbox.done", "outbox.extend"):
            world.faults.lift(method)
            await world.clock.advance(6)
        await world.clock.advance(60)

    assert sorted(world.told) == ["during the outage", "hello", "noticed first"]
    assert await world.waiting() == []


async def test_many_channels_are_served_side_by_side_and_all_in_the_end(world: World) -> None:
    channels = [world.chat.add_channel(f"X{number}", has_bot=True) for number in range(100)]
    await world.join(*channels)

    async with world.pack():
        for channel in channels:
            for text in ("one", "two", "three"):
                world.chat.say(channel, text)
        await world.engine.until(lambda: len(world.told) == 300)

    for channel in channels:
        assert [e.said.text for e, _ in world.engine.published if e.said.channel_id == channel] == [
            "one",
            "two",
            "three",
        ]


# Poison


async def test_what_the_engine_refuses_as_malformed_is_set_aside_at_once_and_reported(world: World) -> None:
    world.faults.before("publish", Malformed("400: createdAt"), times=1)

    with capture_logs() as logs:
        async with world.pack():
            poison = world.chat.say("C1", "poison")
            world.chat.say("C1", "behind it")
            await world.clock.advance(2)

    assert world.told == ["behind it"]
    assert [(e.said, e.set_aside_because) for e in await world.set_aside()] == [(poison, "400: createdAt")]
    assert [line["key"] for line in logs if line["event"] == "message_set_aside"] == [poison.key]


class Picky(MemoryWorkflow):
    """An engine that fails whenever it is told of poison."""

    async def publish(self, event: ReceivedMessage, at: datetime) -> None:
        if event.said.text == "poison":
            raise FAILED
        await super().publish(event, at)


async def refuse_for(world: World, minutes: int, *, others_pass: bool) -> None:
    """Have the engine refuse the message `poison` for so long, while the pack runs."""
    world.engine = Picky()

    async with world.pack():
        await world.clock.advance(2)
        world.faults.hold("take")  # polling takes the test's own time
        world.chat.say("C1", "poison")
        await world.clock.advance(1)
        world.chat.say("C1", "behind it")
        for _ in range(minutes):
            if others_pass:
                world.chat.say("C2", "elsewhere")
            await world.clock.advance(60)
        world.faults.lift("take")


async def test_what_is_refused_twenty_times_over_an_hour_while_others_pass_is_set_aside(world: World) -> None:
    await refuse_for(world, 61, others_pass=True)

    assert [entry.said.text for entry in await world.set_aside()] == ["poison"]
    assert "behind it" in world.told


async def test_before_the_hour_is_over_it_is_tried_again(world: World) -> None:
    await refuse_for(world, 58, others_pass=True)

    assert await world.set_aside() == []
    (entry, _) = [entry async for entry in world.storage.outbox.entries()]
    assert entry.refusals >= 20


async def test_what_is_refused_while_nothing_passes_is_never_set_aside(world: World) -> None:
    await refuse_for(world, 70, others_pass=False)

    assert await world.set_aside() == []
    assert [said.text for said in await world.waiting()] == ["poison", "behind it"]


async def test_what_was_refused_thousands_of_times_is_still_tried_every_quarter_of_a_minute(world: World) -> None:
    said = world.chat.say("C1", "hello")
    await world.storage.outbox.append([OutboxEntry(said, world.clock.now(), 5_000, world.clock.now())])
    world.faults.before("publish", FAILED, times=5)

    async with world.pack():
        await world.clock.advance(90)

    assert world.told == ["hello"]
    times = world.faults.called_at("publish")
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([16] * 5)
