"""Messages that the engine rejects: dead-lettered once the cause is certainly the message itself."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from adapters.memory.workflow import MemoryWorkflow
from domain.errors import RejectedByWorkflow, WorkflowServerError
from domain.events import PackEvent, ReceivedMessage
from domain.outbox import outbox_entry
from entrypoints.testing.storage_values import STEPS
from tests.support.environment import World
from tests.support.logs import captured_lines

FAILED = WorkflowServerError("500")


async def test_a_malformed_message_is_dead_lettered_at_once_and_logged(world: World) -> None:
    world.faults.fail_before("publish", RejectedByWorkflow("400: createdAt"), times=1)

    with captured_lines() as logs:
        async with world.pack():
            poison = world.chat.say("C1", "poison")
            world.chat.say("C1", "behind it")
            await world.clock.advance(2)

    assert world.published_texts == ["behind it"]
    assert [(e.event, e.dead_letter_reason) for e in await world.dead_letters()] == [(poison, "400: createdAt")]
    assert [line["ref"] for line in logs if line["event"] == "message_set_aside"] == [poison.key]


class PoisonRejectingWorkflow(MemoryWorkflow):
    """An engine that fails on the message `poison`."""

    async def publish(self, event: PackEvent, at: datetime, *, trace_parent: str | None = None) -> None:
        if isinstance(event, ReceivedMessage) and event.message.text == "poison":
            raise FAILED
        await super().publish(event, at, trace_parent=trace_parent)


async def reject_for(world: World, minutes: int, *, others_pass: bool) -> None:
    """Runs the pack for this long while the engine rejects the message `poison`."""
    world.engine = PoisonRejectingWorkflow()

    async with world.pack():
        await world.clock.advance(2)
        world.faults.block("take")  # polling would slow the test down
        world.chat.say("C1", "poison")
        await world.clock.advance(1)
        world.chat.say("C1", "behind it")
        for _ in range(minutes):
            if others_pass:
                world.chat.say("C2", "elsewhere")
            await world.clock.advance(60)
        world.faults.lift("take")


async def test_a_message_rejected_twenty_times_in_an_hour_while_others_pass_is_dead_lettered(world: World) -> None:
    await reject_for(world, 61, others_pass=True)

    assert await world.dead_lettered_texts() == ["poison"]
    assert "behind it" in world.published_texts


async def test_a_message_rejected_for_less_than_an_hour_is_retried(world: World) -> None:
    await reject_for(world, 58, others_pass=True)

    assert await world.dead_letters() == []
    (entry, _) = [entry async for entry in world.storage.outbox.entries()]
    assert entry.rejections >= 20


@pytest.mark.parametrize("step", STEPS)
async def test_setting_the_clock_dead_letters_nothing_earlier_or_later(world: World, step: float) -> None:
    world.engine = PoisonRejectingWorkflow()

    async with world.pack():
        await world.clock.advance(2)
        world.faults.block("take")
        world.chat.say("C1", "poison")
        await world.clock.advance(10)
        world.pack_clock.step(step)
        for _ in range(58):
            world.chat.say("C2", "elsewhere")
            await world.clock.advance(60)
        assert await world.dead_letters() == []
        world.pack_clock.step(-step)
        world.chat.say("C2", "elsewhere")
        await world.clock.advance(180)
        world.faults.lift("take")

    assert await world.dead_lettered_texts() == ["poison"]


async def test_a_message_rejected_while_nothing_passes_is_never_dead_lettered(world: World) -> None:
    await reject_for(world, 70, others_pass=False)

    assert await world.dead_letters() == []
    assert [message.text for message in await world.waiting()] == ["poison", "behind it"]


async def test_a_message_rejected_thousands_of_times_is_still_retried_every_fifteen_seconds(world: World) -> None:
    message = world.chat.say("C1", "hello")
    await world.storage.outbox.append(
        [replace(outbox_entry(message, world.clock.now()), rejections=5_000, first_rejected_at=world.clock.now())]
    )
    world.faults.fail_before("publish", FAILED, times=5)

    async with world.pack():
        await world.clock.advance(90)

    assert world.published_texts == ["hello"]
    times = world.faults.called_at("publish")
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([16] * 5)
