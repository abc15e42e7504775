"""Virtual time: an event loop whose clock jumps when every task waits."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from adapters.memory.clock import VirtualClock, run_in_virtual_time
from entrypoints.flow_tests.model import START


def test_a_year_passes_in_a_moment() -> None:
    async def wait() -> float:
        await asyncio.sleep(365 * 86400)
        return asyncio.get_running_loop().time()

    began = time.perf_counter()

    assert run_in_virtual_time(wait()) == pytest.approx(365 * 86400)
    assert time.perf_counter() - began < 5


def test_no_time_passes_while_a_task_can_run() -> None:
    async def work() -> float:
        sleeping = asyncio.create_task(asyncio.sleep(1))
        for _ in range(1000):
            await asyncio.sleep(0)
        at = asyncio.get_running_loop().time()
        await sleeping
        return at

    assert run_in_virtual_time(work()) == 0


def test_sleeping_tasks_wake_in_the_order_of_their_times() -> None:
    woken = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    async def sleep_all() -> None:
        async with asyncio.TaskGroup() as tasks:
            for seconds in (3.0, 0.001, 2.0, 0.0):
                tasks.create_task(sleep(seconds))

    run_in_virtual_time(sleep_all())

    assert woken == [0.0, 0.001, 2.0, 3.0]


def test_timeouts_are_in_virtual_time() -> None:
    async def time_out() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(time_out()) == pytest.approx(3600)


def test_the_clock_follows_virtual_time() -> None:
    async def wait() -> datetime:
        clock = VirtualClock(datetime(2030, 2, 3, tzinfo=UTC))
        await asyncio.sleep(90)
        return clock.now().replace(microsecond=0)

    assert run_in_virtual_time(wait()) == datetime(2030, 2, 3, tzinfo=UTC) + timedelta(seconds=90)
    assert START.weekday() == 0


def test_an_endless_wait_raises_an_error() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never end"):
        run_in_virtual_time(wait())
