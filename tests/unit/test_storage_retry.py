"""Storing without giving up."""

import asyncio

import pytest

from application.health import HealthRegistry, HealthStatus
from application.resilience.interception import intercepted
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import StorageRetryPolicy
from domain.errors import StorageUnavailable
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

BROKEN = StorageUnavailable("disk full")


class _Store:
    """A storage with one method."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def store(self, name: str = "it") -> str:
        self.names.append(name)
        return name


class Surroundings:
    """A storage behind the retry policy."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("storage",))
        self.policy = StorageRetryPolicy(self.shutdown, self.health.reporter("storage"))
        self.stored = _Store()
        self.storage = intercepted(intercepted(self.stored, self.faults), self.policy)

    @property
    def status(self) -> HealthStatus:
        return self.health.checks()["storage"]


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


async def test_the_storages_answer_is_returned(around: Surroundings) -> None:
    assert await around.storage.store() == "it"
    assert around.status == HealthStatus(healthy=True, status="working")


async def test_a_failing_operation_is_retried_until_it_succeeds(around: Surroundings) -> None:
    around.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(around.storage.store(), name="store")
    await around.clock.advance(300)
    assert not storing.done()

    around.faults.lift("store")
    await around.clock.advance(5)

    assert await storing == "it"
    assert around.stored.names == ["it"]


async def test_retries_come_at_least_every_five_seconds_but_with_pauses(around: Surroundings) -> None:
    around.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(around.storage.store(), name="store")

    await around.clock.advance(100)

    assert 20 <= around.faults.count("store") <= 40
    around.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await storing


async def test_health_follows_the_storage_at_once(around: Surroundings) -> None:
    await around.storage.store()
    around.faults.fail_before("store", BROKEN, times=2)
    storing = asyncio.create_task(around.storage.store(), name="store")
    await around.clock.settle()
    assert not around.status.healthy

    await around.clock.advance(1)

    await storing
    assert around.status.healthy


async def test_no_new_work_is_accepted_while_an_operation_is_retried(around: Surroundings) -> None:
    around.faults.fail_before("store", BROKEN, times=3)
    storing = [asyncio.create_task(around.storage.store(name), name=name) for name in "ab"]
    await around.clock.settle()
    waiting = asyncio.create_task(around.policy.wait_until_available(), name="wait")
    await around.clock.advance(0.11)
    assert [task.done() for task in storing] == [False, True] or [task.done() for task in storing] == [True, False]
    assert not waiting.done()

    await around.clock.advance(1)

    assert waiting.done()
    assert sorted(around.stored.names) == ["a", "b"]


async def test_shutdown_ends_the_waiting(around: Surroundings) -> None:
    around.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(around.storage.store(), name="store")
    await around.clock.settle()

    around.shutdown.request()

    with pytest.raises(ShutdownRequested):
        await storing
    with pytest.raises(ShutdownRequested):
        await around.policy.wait_until_available()


async def test_an_operation_is_tried_once_during_shutdown(around: Surroundings) -> None:
    around.shutdown.request()

    assert await around.storage.store() == "it"


async def test_other_errors_are_raised_unchanged(around: Surroundings) -> None:
    around.faults.fail_before("store", ValueError("against the arrows"), times=1)

    with pytest.raises(ValueError, match="against the arrows"):
        await around.storage.store()
