import asyncio
from datetime import UTC, datetime

import pytest

from adapters.slack.sockets.arrival_queue import HANDOVER_SIZE, EventQueue
from application.ports.receiver import MembershipGained
from domain.channels import ChannelId
from tests.contracts.receiver_contract import next_event
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

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
