"""One lane for each channel."""

import asyncio

import pytest

from application.services.channel_locks import ChannelLocks
from domain.channels import ChannelId

C1, C2 = ChannelId("C1"), ChannelId("C2")


async def test_a_channel_is_locked_by_one_at_a_time_in_the_order_of_asking() -> None:
    lanes = ChannelLocks()
    happened: list[str] = []

    async def use(name: str) -> None:
        async with lanes.acquire(C1):
            happened.append(f"{name} begins")
            await asyncio.sleep(0)  # lets the others try
            happened.append(f"{name} ends")

    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(use(name), name=name)

    assert happened == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_a_locked_channel_does_not_block_others() -> None:
    lanes = ChannelLocks()

    async with lanes.acquire(C1), lanes.acquire(C2):
        pass


async def test_an_error_releases_the_lock() -> None:
    lanes = ChannelLocks()

    with pytest.raises(RuntimeError):
        async with lanes.acquire(C1):
            raise RuntimeError

    async with lanes.acquire(C1):
        pass


async def test_a_cancelled_waiter_does_not_block_others() -> None:
    lanes = ChannelLocks()
    had_turn = asyncio.Event()

    async def use() -> None:
        async with lanes.acquire(C1):
            had_turn.set()

    async with lanes.acquire(C1):
        impatient = asyncio.create_task(use(), name="impatient")
        patient = asyncio.create_task(use(), name="patient")
        await asyncio.sleep(0)  # lets both join the queue
        impatient.cancel()
        await asyncio.wait([impatient])
        assert not had_turn.is_set()
    await patient
    assert had_turn.is_set()


async def test_unused_channels_are_forgotten() -> None:
    lanes = ChannelLocks()

    for number in range(100):
        async with lanes.acquire(ChannelId(f"C{number}")):
            pass

    assert len(lanes) == 0
