"""One lock for each channel."""

import asyncio

import pytest

from application.resilience.shutdown import Shutdown
from application.services.channel_locks import ChannelLocks
from application.services.sole_process import SoleProcessLeases
from domain.channels import ChannelId

C1, C2 = ChannelId("C1"), ChannelId("C2")


def new_locks() -> ChannelLocks:
    return ChannelLocks(SoleProcessLeases(), Shutdown())


async def test_a_channel_is_locked_by_one_at_a_time_in_the_order_of_asking() -> None:
    locks = new_locks()
    events: list[str] = []

    async def use(name: str) -> None:
        async with locks.acquire(C1):
            events.append(f"{name} begins")
            await asyncio.sleep(0)  # lets the others run
            events.append(f"{name} ends")

    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(use(name), name=name)

    assert events == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_a_locked_channel_does_not_block_others() -> None:
    locks = new_locks()

    async with locks.acquire(C1), locks.acquire(C2):
        pass


async def test_an_error_releases_the_lock() -> None:
    locks = new_locks()

    with pytest.raises(RuntimeError):
        async with locks.acquire(C1):
            raise RuntimeError

    async with locks.acquire(C1):
        pass


async def test_a_cancelled_waiter_does_not_block_others() -> None:
    locks = new_locks()
    acquired = asyncio.Event()

    async def use() -> None:
        async with locks.acquire(C1):
            acquired.set()

    async with locks.acquire(C1):
        cancelled = asyncio.create_task(use(), name="cancelled")
        waiting = asyncio.create_task(use(), name="waiting")
        await asyncio.sleep(0)  # lets both join the queue
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert not acquired.is_set()
    await waiting
    assert acquired.is_set()


async def test_unused_channels_are_forgotten() -> None:
    locks = new_locks()

    for number in range(100):
        async with locks.acquire(ChannelId(f"C{number}")):
            pass

    assert len(locks) == 0
