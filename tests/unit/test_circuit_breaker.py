"""Requests to the workflow engine, through outages and forgotten registrations."""

import asyncio
from itertools import pairwise

import pytest

from adapters.memory.clock import MemoryClock
from adapters.memory.workflow import MemoryWorkflow
from application.health import HealthRegistry, HealthStatus
from application.resilience.circuit_breaker import EngineLine
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
from tests.support.faults import Faults, faulty

DOWN = WorkflowUnreachable("connection refused")


class Desk:
    """An engine at the other end of the line."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.faults = Faults(self.clock)
        self.engine = MemoryWorkflow()
        self.workflow = faulty(self.engine, self.faults)
        self.stop = Shutdown(self.clock)
        self.health = HealthRegistry()
        self.line = EngineLine(self.workflow, pack_definition("Slack", {}), self.stop, self.health)

    async def take(self) -> object:
        return await self.line(self.workflow.take)

    def begin(self) -> "asyncio.Task[object]":
        return asyncio.create_task(self.take(), name="take")

    def go_down(self) -> None:
        for method in ("register", "take"):
            self.faults.before(method, DOWN)

    def come_back(self) -> None:
        for method in ("register", "take"):
            self.faults.lift(method)

    @property
    def flyte(self) -> HealthStatus:
        return self.health.checks()["flyte"]


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.line.register()
    return desk


async def test_registration_is_retried_until_the_engine_accepts_it() -> None:
    desk = Desk()
    desk.faults.before("register", DOWN, times=2)
    desk.faults.before("register", WorkflowServerError("500"), times=2)
    desk.faults.before("register", WorkflowUnauthorized("401"), times=2)
    registering = asyncio.create_task(desk.line.register(), name="register")
    await desk.clock.advance(0)
    assert desk.flyte == HealthStatus(healthy=False, status="out of reach")

    await desk.clock.advance(60)

    await registering
    assert desk.engine.pack is not None
    assert desk.flyte == HealthStatus(healthy=True, status="reached")


async def test_a_refused_registration_is_retried() -> None:
    desk = Desk()
    desk.faults.before("register", RejectedByWorkflow("400"))
    registering = asyncio.create_task(desk.line.register(), name="register")

    await desk.clock.advance(60)

    assert not desk.flyte.healthy
    assert desk.faults.count("register") >= 6
    desk.stop.request()
    with pytest.raises(ShutdownRequested):
        await registering


async def test_the_engines_answer_is_returned(desk: Desk) -> None:
    action_id = desk.engine.enqueue(UnknownCommand("SendFax"))
    action = await desk.line(desk.workflow.take)
    assert action is not None
    assert action.id == action_id


@pytest.mark.parametrize(
    "error",
    [ActionTakenElsewhere("lost"), WorkflowServerError("500"), RejectedByWorkflow("400"), WorkflowInDoubt("no answer")],
)
async def test_errors_other_than_outages_are_raised_at_once(desk: Desk, error: WorkflowError) -> None:
    desk.faults.before("take", error, times=1)

    with pytest.raises(type(error)):
        await desk.take()
    assert desk.faults.count("take") == 1
    assert desk.flyte.healthy


async def test_an_outage_is_waited_out(desk: Desk) -> None:
    desk.go_down()
    taking = desk.begin()
    await desk.clock.advance(3600)
    assert not taking.done()
    assert desk.flyte == HealthStatus(healthy=False, status="out of reach")

    desk.come_back()
    await desk.clock.advance(10)

    assert await taking is None
    assert desk.flyte.healthy


async def test_during_an_outage_one_request_probes_and_the_others_wait(desk: Desk) -> None:
    desk.go_down()
    taking = [desk.begin() for _ in range(100)]
    await desk.clock.advance(0)
    asked = desk.faults.count("take")

    await desk.clock.advance(600)
    late = desk.begin()
    await desk.clock.advance(600)

    assert desk.faults.count("take") == asked
    assert desk.faults.count("register") <= 200
    desk.come_back()
    await desk.clock.advance(10)
    assert await asyncio.gather(*taking, late) == [None] * 101


async def test_a_request_that_fails_while_registration_works_is_retried_with_growing_pauses(desk: Desk) -> None:
    desk.faults.before("take", DOWN)
    taking = desk.begin()

    await desk.clock.advance(300)

    pauses = [later - earlier for earlier, later in pairwise(desk.faults.called_at("take"))]
    assert pauses[-1] >= 7
    desk.stop.request()
    with pytest.raises(ShutdownRequested):
        await taking


async def test_a_refused_token_is_an_outage_and_named_in_health(desk: Desk) -> None:
    for method in ("register", "take"):
        desk.faults.before(method, WorkflowUnauthorized("401"))
    taking = desk.begin()
    await desk.clock.advance(5)
    assert desk.flyte == HealthStatus(healthy=False, status="refuses the pack's token")

    desk.come_back()
    await desk.clock.advance(10)

    assert await taking is None


async def test_a_forgotten_pack_is_registered_again(desk: Desk) -> None:
    desk.engine.forget_pack()

    assert await desk.take() is None
    assert desk.engine.pack is not None
    assert desk.faults.count("register") == 2


async def test_concurrent_requests_register_a_forgotten_pack_once(desk: Desk) -> None:
    desk.engine.forget_pack()
    desk.faults.hold("register")
    taking = [desk.begin() for _ in range(20)]
    await desk.clock.advance(0)

    desk.faults.lift("register")

    assert await asyncio.gather(*taking) == [None] * 20
    assert desk.faults.count("register") == 2


async def test_an_action_unknown_after_registering_again_is_an_error(desk: Desk) -> None:
    desk.faults.before("take", PackNotRegistered("404"))

    with pytest.raises(PackNotRegistered):
        await desk.take()
    assert (desk.faults.count("take"), desk.faults.count("register")) == (2, 2)


async def test_the_number_of_concurrent_requests_is_limited(desk: Desk) -> None:
    desk.faults.hold("take")
    taking = [desk.begin() for _ in range(100)]
    await desk.clock.advance(0)

    assert desk.faults.count("take") == 32

    desk.faults.lift("take")
    assert len(await asyncio.gather(*taking)) == 100


async def test_shutdown_ends_the_waiting_of_all(desk: Desk) -> None:
    desk.go_down()
    taking = [desk.begin() for _ in range(5)]
    await desk.clock.advance(60)

    desk.stop.request()

    results = await asyncio.gather(*taking, return_exceptions=True)
    assert [type(result) for result in results] == [ShutdownRequested] * 5


async def test_shutdown_does_not_interrupt_a_request_in_progress(desk: Desk) -> None:
    desk.engine.enqueue(UnknownCommand("SendFax"))
    desk.faults.hold("take")
    taking = desk.begin()
    await desk.clock.advance(0)
    desk.stop.request()
    await desk.clock.advance(0)
    assert not taking.done()

    desk.faults.lift("take")

    assert await taking is not None
