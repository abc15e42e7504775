"""Storing without giving up."""

import asyncio

import pytest

from adapters.memory.clock import MemoryClock
from application.health import HealthRegistry, HealthStatus
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from domain.errors import StorageUnavailable
from tests.support.faults import Faults

BROKEN = StorageUnavailable("disk full")


class Shelf:
    """Something that stores, and may fail to."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.faults = Faults(self.clock)
        self.stop = Shutdown(self.clock)
        self.health = HealthRegistry()
        self.keep = Safekeeping(self.stop, self.health)
        self.kept: list[str] = []

    async def store(self, name: str = "it") -> str:
        async def deed() -> str:
            self.kept.append(name)
            return name

        return await self.keep(lambda: self.faults.perform("store", deed))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_the_storages_answer_is_returned(shelf: Shelf) -> None:
    assert await shelf.store() == "it"
    assert shelf.health.checks()["storage"] == HealthStatus(healthy=True, status="working")


async def test_a_failing_operation_is_retried_until_it_succeeds(shelf: Shelf) -> None:
    shelf.faults.before("store", BROKEN)
    storing = asyncio.create_task(shelf.store(), name="store")
    await shelf.clock.advance(300)
    assert not storing.done()

    shelf.faults.lift("store")
    await shelf.clock.advance(5)

    assert await storing == "it"
    assert shelf.kept == ["it"]


async def test_retries_come_at_least_every_five_seconds_but_with_pauses(shelf: Shelf) -> None:
    shelf.faults.before("store", BROKEN)
    storing = asyncio.create_task(shelf.store(), name="store")

    await shelf.clock.advance(100)

    assert 20 <= shelf.faults.count("store") <= 40
    shelf.stop.request()
    with pytest.raises(ShutdownRequested):
        await storing


async def test_health_follows_the_storage_at_once(shelf: Shelf) -> None:
    await shelf.store()
    shelf.faults.before("store", BROKEN, times=2)
    storing = asyncio.create_task(shelf.store(), name="store")
    await shelf.clock.until_asleep()
    assert not shelf.health.checks()["storage"].healthy

    await shelf.clock.advance(1)

    await storing
    assert shelf.health.checks()["storage"].healthy


async def test_no_new_work_is_accepted_while_an_operation_is_retried(shelf: Shelf) -> None:
    shelf.faults.before("store", BROKEN, times=3)
    storing = [asyncio.create_task(shelf.store(name), name=name) for name in "ab"]
    await shelf.clock.until_asleep(2)
    waiting = asyncio.create_task(shelf.keep.until_working(), name="wait")
    await shelf.clock.advance(0.11)
    assert [task.done() for task in storing] == [False, True] or [task.done() for task in storing] == [True, False]
    assert not waiting.done()

    await shelf.clock.advance(1)

    assert waiting.done()
    assert sorted(shelf.kept) == ["a", "b"]


async def test_shutdown_ends_the_waiting(shelf: Shelf) -> None:
    shelf.faults.before("store", BROKEN)
    storing = asyncio.create_task(shelf.store(), name="store")
    await shelf.clock.until_asleep()

    shelf.stop.request()

    with pytest.raises(ShutdownRequested):
        await storing
    with pytest.raises(ShutdownRequested):
        await shelf.keep.until_working()


async def test_an_operation_is_tried_once_during_shutdown(shelf: Shelf) -> None:
    shelf.stop.request()

    assert await shelf.store() == "it"


async def test_other_errors_are_raised_unchanged(shelf: Shelf) -> None:
    shelf.faults.before("store", ValueError("against the arrows"), times=1)

    with pytest.raises(ValueError, match="against the arrows"):
        await shelf.store()
