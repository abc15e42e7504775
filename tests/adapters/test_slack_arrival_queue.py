import asyncio
from datetime import UTC, datetime

from adapters.memory.clock import MemoryClock
from adapters.slack.sockets.arrival_queue import EventQueue
from application.ports.receiver import MembershipGained
from domain.channels import ChannelId
from tests.contracts.receiver_contract import next_event

EVENT = MembershipGained(ChannelId("C1"))


async def test_no_more_than_a_thousand_arrivals_wait() -> None:
    inbox = EventQueue(MemoryClock())
    for _ in range(1_000):
        await inbox.put(EVENT)
    one_more = asyncio.create_task(inbox.put(EVENT), name="one more")
    await asyncio.sleep(0)
    assert not one_more.done()

    await next_event(inbox)

    await asyncio.wait_for(one_more, 1)


async def test_the_time_of_arrival_is_cut_to_milliseconds() -> None:
    inbox = EventQueue(MemoryClock(datetime(2026, 1, 1, 12, 0, 0, 123_999, tzinfo=UTC)))
    await inbox.put(EVENT)
    assert (await next_event(inbox)).received_at == datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
