"""Waits that end at a shutdown request."""

import asyncio

import pytest

from application.resilience.shutdown import Shutdown, ShutdownRequested
from tests.support.virtual_time import TestTime


@pytest.fixture
def clock() -> TestTime:
    return TestTime()


@pytest.fixture
def shutdown() -> Shutdown:
    return Shutdown()


async def test_a_sleep_lasts_as_long_as_requested(clock: TestTime, shutdown: Shutdown) -> None:
    pause = asyncio.create_task(shutdown.sleep(5), name="pause")

    await clock.advance(4.999)
    assert not pause.done()
    await clock.advance(0.001)
    assert pause.done()
    await pause


async def test_a_shutdown_request_ends_a_sleep_at_once(clock: TestTime, shutdown: Shutdown) -> None:
    pause = asyncio.create_task(shutdown.sleep(3600), name="pause")
    await clock.settle()

    shutdown.request()

    with pytest.raises(ShutdownRequested):
        await pause


async def test_after_a_shutdown_request_every_wait_ends_at_once(shutdown: Shutdown) -> None:
    shutdown.request()
    shutdown.request()

    for seconds, wake in ((3600, None), (None, None), (0, None), (None, asyncio.Event())):
        with pytest.raises(ShutdownRequested):
            await shutdown.wait(seconds, wake)
    assert shutdown.is_requested
    await shutdown.requested()


async def test_a_wake_up_ends_the_wait(clock: TestTime, shutdown: Shutdown) -> None:
    wake = asyncio.Event()
    waiting = asyncio.create_task(shutdown.wait(3600, wake), name="wait")
    await clock.settle()

    wake.set()

    await waiting
    assert clock.elapsed < 1


async def test_an_earlier_wake_up_is_not_waited_for(shutdown: Shutdown) -> None:
    wake = asyncio.Event()
    wake.set()

    await shutdown.wait(None, wake)

    assert wake.is_set()


async def test_a_cancelled_wait_leaves_no_task_behind(clock: TestTime, shutdown: Shutdown) -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(shutdown.wait(60, asyncio.Event()), name="wait")
    await clock.settle()

    waiting.cancel()
    await asyncio.wait([waiting])

    assert asyncio.all_tasks() == before


async def test_the_end_of_the_grace_period_ends_what_a_cancelled_task_waits_for(
    clock: TestTime, shutdown: Shutdown
) -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            async with shutdown.within_grace():
                await asyncio.sleep(3600)

    working = asyncio.create_task(work(), name="work")
    await clock.settle()
    working.cancel()
    await clock.settle()
    assert not working.done()

    shutdown.end_grace()

    with pytest.raises(ShutdownRequested):
        await working


async def test_nothing_more_begins_after_the_grace_period(shutdown: Shutdown) -> None:
    shutdown.end_grace()

    with pytest.raises(ShutdownRequested):
        async with shutdown.within_grace():
            pytest.fail("it began")
