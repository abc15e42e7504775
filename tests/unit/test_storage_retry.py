"""Retries of storage operations."""

import asyncio

import pytest

from adapters.no_telemetry import NO_TELEMETRY
from application.health import HealthRegistry, HealthStatus
from application.resilience.interception import intercepted
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import StorageRetryPolicy
from domain.errors import StorageUnavailable, TooLate
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

BROKEN = StorageUnavailable("disk full")


class _Store:
    """A storage with two methods."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.seconds_given: float | None = None

    async def store(self, name: str = "it", *, within_seconds: float | None = None) -> str:
        self.names.append(name)
        self.seconds_given = within_seconds
        return name

    async def heartbeat(self) -> None:
        """Does nothing."""


class Environment:
    """A storage behind the retry policy."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("storage",))
        self.policy = StorageRetryPolicy(self.shutdown, self.health.reporter("storage"), NO_TELEMETRY)
        self.stored = _Store()
        self.storage = intercepted(intercepted(self.stored, self.faults), self.policy)

    @property
    def status(self) -> HealthStatus:
        return self.health.checks()["storage"]


@pytest.fixture
def env() -> Environment:
    return Environment()


async def test_the_storages_answer_is_returned(env: Environment) -> None:
    assert await env.storage.store() == "it"
    assert env.status == HealthStatus(healthy=True, status="working")


async def test_a_failing_operation_is_retried_until_it_succeeds(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(), name="store")
    await env.clock.advance(300)
    assert not storing.done()

    env.faults.lift("store")
    await env.clock.advance(5)

    assert await storing == "it"
    assert env.stored.names == ["it"]


async def test_retries_come_at_least_every_five_seconds_but_with_pauses(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(), name="store")

    await env.clock.advance(100)

    assert 20 <= env.faults.count("store") <= 40
    env.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await storing


async def test_an_operation_with_a_time_limit_gets_what_is_left_of_it(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(within_seconds=2.5), name="store")
    await env.clock.advance(2)

    env.faults.lift("store")

    assert await storing == "it"
    assert env.stored.seconds_given is not None
    assert 0 < env.stored.seconds_given <= 0.5


async def test_an_operation_is_given_up_when_its_time_is_over(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(within_seconds=2.5), name="store")
    await env.clock.advance(2.4)
    assert not storing.done()

    await env.clock.advance(0.5)

    with pytest.raises(TooLate):
        await storing
    assert env.stored.names == []


async def test_health_follows_the_storage_at_once(env: Environment) -> None:
    await env.storage.store()
    env.faults.fail_before("store", BROKEN, times=2)
    storing = asyncio.create_task(env.storage.store(), name="store")
    await env.clock.settle()
    assert not env.status.healthy

    await env.clock.advance(1)

    await storing
    assert env.status.healthy


async def test_no_new_work_is_accepted_while_an_operation_is_retried(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    env.faults.fail_before("heartbeat", BROKEN, times=1)
    failing = [asyncio.create_task(env.storage.store()), asyncio.create_task(env.storage.heartbeat())]
    await env.clock.settle()
    waiting = asyncio.create_task(env.policy.wait_until_available(), name="wait")
    await env.clock.advance(0.2)
    assert [task.done() for task in failing] == [False, True]
    assert not waiting.done()

    env.faults.lift("store")
    await env.clock.advance(5)

    assert waiting.done()
    assert failing[0].done()


async def test_shutdown_ends_the_waiting(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(), name="store")
    await env.clock.settle()

    env.shutdown.request()

    with pytest.raises(ShutdownRequested):
        await storing
    with pytest.raises(ShutdownRequested):
        await env.policy.wait_until_available()


async def test_an_operation_is_tried_once_during_shutdown(env: Environment) -> None:
    env.shutdown.request()

    assert await env.storage.store() == "it"


async def test_other_errors_are_raised_unchanged(env: Environment) -> None:
    env.faults.fail_before("store", ValueError("a bug"), times=1)

    with pytest.raises(ValueError, match="a bug"):
        await env.storage.store()


async def test_a_failing_heartbeat_is_retried_every_second_so_that_health_soon_tells_that_the_storage_is_back(
    env: Environment,
) -> None:
    env.faults.fail_before("heartbeat", BROKEN)
    beating = asyncio.create_task(env.storage.heartbeat(), name="heartbeat")
    await env.clock.advance(60)

    env.faults.lift("heartbeat")
    await env.clock.advance(1)

    assert beating.done()
    assert env.status.healthy


async def test_once_an_operation_has_succeeded_the_others_are_retried_at_once(env: Environment) -> None:
    for method in ("store", "heartbeat"):
        env.faults.fail_before(method, BROKEN)
    storing = [asyncio.create_task(env.storage.store(name), name=name) for name in "ab"]
    beating = asyncio.create_task(env.storage.heartbeat(), name="heartbeat")
    await env.clock.advance(61)

    for method in ("store", "heartbeat"):
        env.faults.lift(method)
    await env.clock.advance(1)

    assert beating.done()
    assert [task.done() for task in storing] == [True, True]


async def test_health_stays_red_while_any_operation_fails(env: Environment) -> None:
    env.faults.fail_before("store", BROKEN)
    storing = asyncio.create_task(env.storage.store(), name="store")
    await env.clock.advance(60)
    env.faults.fail_before("heartbeat", BROKEN, times=1)
    beating = asyncio.create_task(env.storage.heartbeat(), name="heartbeat")
    await env.clock.advance(0.2)

    assert beating.done()
    assert not env.status.healthy

    env.faults.lift("store")
    await storing
    assert env.status.healthy
