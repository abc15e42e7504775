import asyncio
from datetime import UTC, datetime

import pytest

from adapters.slack.sockets.arrival_queue import HANDOVER_SIZE, EventQueue
from application.ports.receiver import MembershipGained, OtherWorkspaceEvent
from domain.channels import ChannelId
from domain.interactions import BlockAction
from tests.contracts.receiver_contract import next_event
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

CLICK = BlockAction(channel_id=ChannelId("C1"), user_id="U1", action_id="approve", action_type="button")
FIRST = MembershipGained(ChannelId("C1"))
SECOND = MembershipGained(ChannelId("C2"))
THIRD = MembershipGained(ChannelId("C3"))


async def filled_queue() -> EventQueue:
    queue = EventQueue(TestTime())
    for _ in range(HANDOVER_SIZE):
        await queue.put([FIRST])
    return queue


async def test_an_event_waits_for_room() -> None:
    queue = await filled_queue()
    second = asyncio.create_task(queue.put([SECOND]), name="second")
    await asyncio.sleep(0)
    assert not second.done()

    assert (await next_event(queue)).event == FIRST

    await asyncio.wait_for(second, 1)
    remaining = [(await next_event(queue)).event for _ in range(HANDOVER_SIZE)]
    assert remaining == [FIRST] * (HANDOVER_SIZE - 1) + [SECOND]


async def test_an_event_does_not_overtake_one_that_waits() -> None:
    queue = await filled_queue()
    second = asyncio.create_task(queue.put([SECOND]), name="second")
    await asyncio.sleep(0)

    async def take_and_put() -> None:
        await anext(queue)
        await queue.put([THIRD])

    third = asyncio.create_task(take_and_put(), name="third")
    await asyncio.sleep(0)
    remaining = [(await next_event(queue)).event for _ in range(HANDOVER_SIZE + 1)]
    assert remaining[-2:] == [SECOND, THIRD]
    await asyncio.gather(second, third)


async def test_the_time_of_receipt_is_truncated_to_milliseconds() -> None:
    queue = EventQueue(TestTime(datetime(2026, 1, 1, 12, 0, 0, 123_999, tzinfo=UTC)))
    await queue.put([FIRST])
    assert (await next_event(queue)).received_at == datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("event", [CLICK, OtherWorkspaceEvent("T7", CLICK)])
async def test_an_interaction_overtakes_all_that_waits(event: BlockAction | OtherWorkspaceEvent) -> None:
    queue = await filled_queue()
    waiting = asyncio.create_task(queue.put([SECOND]), name="second")
    await asyncio.sleep(0)

    await queue.put([event])

    assert (await next_event(queue)).event == event
    assert (await next_event(queue)).event == FIRST
    await waiting


async def test_events_that_arrive_together_are_acknowledged_together_and_once() -> None:
    given = []

    async def acknowledge() -> None:
        given.append("acknowledged")

    queue = EventQueue(TestTime())
    await queue.put([FIRST, SECOND], acknowledge)
    first, second = await next_event(queue), await next_event(queue)

    await second.acknowledge()
    await second.acknowledge()
    assert given == []
    await first.acknowledge()
    await first.acknowledge()
    assert given == ["acknowledged"]
