"""Requests to the workflow engine, through outages and forgotten registrations."""

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from adapters.memory.workflow import MemoryWorkflow
from application.health import HealthRegistry, HealthStatus
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.interception import intercepted
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.use_cases.dispatcher import pack_definition
from domain.commands import UnknownCommand
from domain.errors import (
    ActionTakenElsewhere,
    PackNotRegistered,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

if TYPE_CHECKING:
    from domain.actions import Action

DOWN = WorkflowUnreachable("connection refused")


class Surroundings:
    """A workflow engine behind the circuit breaker."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.engine = MemoryWorkflow()
        faulty = intercepted(self.engine, self.faults)
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("flyte",))
        definition = pack_definition("Slack", {})
        self.breaker = WorkflowCircuitBreaker(faulty, definition, self.shutdown, self.health.reporter("flyte"))
        self.workflow = intercepted(faulty, self.breaker)

    def start(self) -> "asyncio.Task[Action | None]":
        return asyncio.create_task(self.workflow.take(), name="take")

    def go_down(self) -> None:
        for method in ("register", "take"):
            self.faults.fail_before(method, DOWN)

    def come_back(self) -> None:
        for method in ("register", "take"):
            self.faults.lift(method)

    @property
    def flyte(self) -> HealthStatus:
        return self.health.checks()["flyte"]


@pytest.fixture
async def around() -> Surroundings:
    around = Surroundings()
    await around.breaker.register()
    return around


async def test_registration_is_retried_until_the_engine_accepts_it() -> None:
    around = Surroundings()
    around.faults.fail_before("register", DOWN, times=2)
    around.faults.fail_before("register", WorkflowServerError("500"), times=2)
    around.faults.fail_before("register", WorkflowUnauthorized("401"), times=2)
    registering = asyncio.create_task(around.breaker.register(), name="register")
    await around.clock.settle()
    assert around.flyte == HealthStatus(healthy=False, status="out of reach")

    await around.clock.advance(60)

    await registering
    assert around.engine.pack is not None
    assert around.flyte == HealthStatus(healthy=True, status="reached")


async def test_a_refused_registration_is_retried() -> None:
    around = Surroundings()
    around.faults.fail_before("register", RejectedByWorkflow("400"))
    registering = asyncio.create_task(around.breaker.register(), name="register")

    await around.clock.advance(60)

    assert not around.flyte.healthy
    assert around.faults.count("register") >= 6
    around.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await registering


async def test_the_engines_answer_is_returned(around: Surroundings) -> None:
    action_id = around.engine.enqueue(UnknownCommand("SendFax"))
    action = await around.workflow.take()
    assert action is not None
    assert action.id == action_id


@pytest.mark.parametrize(
    "error",
    [ActionTakenElsewhere("lost"), WorkflowServerError("500"), RejectedByWorkflow("400"), WorkflowInDoubt("no answer")],
)
async def test_errors_other_than_outages_are_raised_at_once(around: Surroundings, error: WorkflowError) -> None:
    around.faults.fail_before("take", error, times=1)

    with pytest.raises(type(error)):
        await around.workflow.take()
    assert around.faults.count("take") == 1
    assert around.flyte.healthy


async def test_an_outage_is_waited_out(around: Surroundings) -> None:
    around.go_down()
    taking = around.start()
    await around.clock.advance(3600)
    assert not taking.done()
    assert around.flyte == HealthStatus(healthy=False, status="out of reach")

    around.come_back()
    await around.clock.advance(10)

    assert await taking is None
    assert around.flyte.healthy


async def test_during_an_outage_one_request_probes_and_the_others_wait(around: Surroundings) -> None:
    around.go_down()
    taking = [around.start() for _ in range(100)]
    await around.clock.settle()
    asked = around.faults.count("take")

    await around.clock.advance(600)
    late = around.start()
    await around.clock.advance(600)

    assert around.faults.count("take") == asked
    assert around.faults.count("register") <= 200
    around.come_back()
    await around.clock.advance(10)
    assert await asyncio.gather(*taking, late) == [None] * 101


async def test_a_request_that_fails_while_registration_works_is_retried_with_growing_pauses(
    around: Surroundings,
) -> None:
    around.faults.fail_before("take", DOWN)
    taking = around.start()

    await around.clock.advance(300)

    pauses = [later - earlier for earlier, later in pairwise(around.faults.called_at("take"))]
    assert pauses[-1] >= 7
    around.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await taking


async def test_a_refused_token_is_an_outage_and_named_in_health(around: Surroundings) -> None:
    for method in ("register", "take"):
        around.faults.fail_before(method, WorkflowUnauthorized("401"))
    taking = around.start()
    await around.clock.advance(5)
    assert around.flyte == HealthStatus(healthy=False, status="refuses the pack's token")

    around.come_back()
    await around.clock.advance(10)

    assert await taking is None


async def test_a_forgotten_pack_is_registered_again(around: Surroundings) -> None:
    around.engine.forget_pack()

    assert await around.workflow.take() is None
    assert around.engine.pack is not None
    assert around.faults.count("register") == 2


async def test_concurrent_requests_register_a_forgotten_pack_once(around: Surroundings) -> None:
    around.engine.forget_pack()
    around.faults.block("register")
    taking = [around.start() for _ in range(20)]
    await around.clock.settle()

    around.faults.lift("register")

    assert await asyncio.gather(*taking) == [None] * 20
    assert around.faults.count("register") == 2


async def test_an_action_unknown_after_registering_again_is_an_error(around: Surroundings) -> None:
    around.faults.fail_before("take", PackNotRegistered("404"))

    with pytest.raises(PackNotRegistered):
        await around.workflow.take()
    assert (around.faults.count("take"), around.faults.count("register")) == (2, 2)


async def test_the_number_of_concurrent_requests_is_limited(around: Surroundings) -> None:
    around.faults.block("take")
    taking = [around.start() for _ in range(100)]
    await around.clock.settle()

    assert around.faults.count("take") == 32

    around.faults.lift("take")
    assert len(await asyncio.gather(*taking)) == 100


async def test_shutdown_ends_the_waiting_of_all(around: Surroundings) -> None:
    around.go_down()
    taking = [around.start() for _ in range(5)]
    await around.clock.advance(60)

    around.shutdown.request()

    results = await asyncio.gather(*taking, return_exceptions=True)
    assert [type(result) for result in results] == [ShutdownRequested] * 5


async def test_shutdown_does_not_interrupt_a_request_in_progress(around: Surroundings) -> None:
    around.engine.enqueue(UnknownCommand("SendFax"))
    around.faults.block("take")
    taking = around.start()
    await around.clock.settle()
    around.shutdown.request()
    await around.clock.settle()
    assert not taking.done()

    around.faults.lift("take")

    assert await taking is not None
