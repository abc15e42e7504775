"""An event loop in which time passes when everybody waits."""

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


def test_no_time_passes_while_anybody_has_something_to_do() -> None:
    async def work() -> float:
        sleeping = asyncio.create_task(asyncio.sleep(1))
        for _ in range(1000):
            await asyncio.sleep(0)
        at = asyncio.get_running_loop().time()
        await sleeping
        return at

    assert run_in_virtual_time(work()) == 0


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    woken = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as tasks:
            for seconds in (3.0, 0.001, 2.0, 0.0):
                tasks.create_task(sleep(seconds))

    run_in_virtual_time(all_of_them())

    assert woken == [0.0, 0.001, 2.0, 3.0]


def test_time_outs_are_in_virtual_time() -> None:
    async def give_up() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(give_up()) == pytest.approx(3600)


def test_the_time_of_day_goes_along() -> None:
    async def wait() -> datetime:
        clock = VirtualClock(datetime(2030, 2, 3, tzinfo=UTC))
        await asyncio.sleep(90)
        return clock.now().replace(microsecond=0)

    assert run_in_virtual_time(wait()) == datetime(2030, 2, 3, tzinfo=UTC) + timedelta(seconds=90)
    assert START.weekday() == 0


def test_waiting_without_end_for_nothing_is_told_rather_than_done() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never end"):
        run_in_virtual_time(wait())
