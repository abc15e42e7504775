import asyncio
from datetime import UTC, datetime, timedelta

from adapters.memory.clock import MemoryClock
from adapters.system_clock import SystemClock


async def test_time_stands_still_until_it_is_told_to_pass() -> None:
    clock = MemoryClock(datetime(2026, 5, 1, tzinfo=UTC))

    await clock.advance(90)

    assert clock.now() == datetime(2026, 5, 1, 0, 1, 30, tzinfo=UTC)
    assert clock.monotonic() == 90


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = MemoryClock()
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.monotonic())

    async with asyncio.TaskGroup() as tasks:
        for seconds in (30, 10, 20):
            tasks.create_task(sleep(seconds), name=f"sleep {seconds}")
        await clock.until_asleep(3)
        await clock.advance(25)
        assert woken == [10, 20]
        await clock.advance(5)
    assert woken == [10, 20, 30]


async def test_who_sleeps_again_is_woken_again_within_the_same_advance() -> None:
    clock = MemoryClock()
    ticks: list[float] = []

    async def tick() -> None:
        for _ in range(10):
            await clock.sleep(1)
            ticks.append(clock.monotonic())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tick(), name="tick")
        await clock.advance(10)
    assert ticks == list(range(1, 11))


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = MemoryClock()
    sleeper = asyncio.create_task(clock.sleep(5), name="sleeper")
    await clock.until_asleep()
    assert clock.next_wakes_in_seconds == 5

    sleeper.cancel()
    await asyncio.wait([sleeper])

    assert clock.asleep == 0
    assert clock.next_wakes_in_seconds is None
    await clock.advance(10)


async def test_no_time_is_slept_at_once() -> None:
    clock = MemoryClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    await SystemClock().sleep(-1)


async def test_the_system_clock_tells_utc_and_goes_on() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.001)

    assert clock.monotonic() > before
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
