"""Waiting that ends with the pack."""

import asyncio

import pytest

from adapters.memory.clock import MemoryClock
from application.resilience.shutdown import Shutdown, ShutdownRequested


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock()


@pytest.fixture
def stop(clock: MemoryClock) -> Shutdown:
    return Shutdown(clock)


async def test_a_sleep_lasts_as_long_as_requested(clock: MemoryClock, stop: Shutdown) -> None:
    pause = asyncio.create_task(stop.sleep(5), name="pause")

    await clock.advance(4.999)
    assert not pause.done()
    await clock.advance(0.001)
    assert pause.done()
    await pause


async def test_a_shutdown_request_ends_a_sleep_at_once(clock: MemoryClock, stop: Shutdown) -> None:
    pause = asyncio.create_task(stop.sleep(3600), name="pause")
    await clock.until_asleep()

    stop.request()

    with pytest.raises(ShutdownRequested):
        await pause
    assert clock.asleep == 0


async def test_after_a_shutdown_request_every_wait_ends_at_once(stop: Shutdown) -> None:
    stop.request()
    stop.request()

    for seconds, wake in ((3600, None), (None, None), (0, None), (None, asyncio.Event())):
        with pytest.raises(ShutdownRequested):
            await stop.wait(seconds, wake)
    assert stop.is_requested
    await stop.requested()


async def test_a_wake_up_ends_the_wait(clock: MemoryClock, stop: Shutdown) -> None:
    wake = asyncio.Event()
    waiting = asyncio.create_task(stop.wait(3600, wake), name="wait")
    await clock.until_asleep()

    wake.set()

    await waiting
    assert clock.monotonic() == 0
    assert clock.asleep == 0


async def test_an_earlier_wake_up_is_not_waited_for(stop: Shutdown) -> None:
    wake = asyncio.Event()
    wake.set()

    await stop.wait(None, wake)

    assert wake.is_set()


async def test_a_cancelled_wait_leaves_no_task_behind(clock: MemoryClock, stop: Shutdown) -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(stop.wait(60, asyncio.Event()), name="wait")
    await clock.until_asleep()

    waiting.cancel()
    await asyncio.wait([waiting])

    assert asyncio.all_tasks() == before
