"""Requests to the workflow engine during outages and after a lost registration."""

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.workflow import MemoryWorkflow
from application.health import HealthRegistry, HealthStatus
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.interception import intercepted
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.use_cases.dispatcher import pack_definition
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.commands import UnknownCommand
from domain.errors import (
    ActionTakenElsewhere,
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from domain.events import Fatal, ReceivedEvent, ReceivedMessage
from domain.interactions import INTERACTIONS
from domain.messages import IncomingMessage
from domain.users import User
from tests.support.activities import activities
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

if TYPE_CHECKING:
    from domain.actions import Action

DOWN = WorkflowUnreachable("connection refused")


class Environment:
    """A workflow engine behind the circuit breaker."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.engine = MemoryWorkflow()
        faulty = intercepted(self.engine, self.faults)
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("flyte",))
        definition = pack_definition("Slack", {})
        self.breaker = WorkflowCircuitBreaker(faulty, lambda: definition, self.shutdown, self.health.reporter("flyte"))
        self.workflow = intercepted(faulty, self.breaker)

    def start(self) -> "asyncio.Task[Action | None]":
        return asyncio.create_task(self.workflow.take(), name="take")

    def ask(self, method: str) -> "asyncio.Task[Any]":
        if method == "take":
            return self.start()
        event = ReceivedMessage(IncomingMessage(ChannelId("C1"), "1.1", "hello"), User("U1"))
        return asyncio.create_task(self.workflow.publish(event, self.clock.now()), name="publish")

    async def work_other_than(self, method: str) -> None:
        """Makes the other kind of request, which is answered."""
        await self.ask("take" if method == "publish" else "publish")

    async def complete(self, action: str = "unknown") -> None:
        await self.workflow.complete(ActionId(action), Fatal("x"), self.clock.now())

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
async def env() -> Environment:
    env = Environment()
    await env.breaker.register()
    return env


async def test_registration_is_retried_until_the_engine_accepts_it() -> None:
    env = Environment()
    env.faults.fail_before("register", DOWN, times=2)
    env.faults.fail_before("register", WorkflowServerError("500"), times=2)
    env.faults.fail_before("register", WorkflowUnauthorized("401"), times=2)
    registering = asyncio.create_task(env.breaker.register(), name="register")
    await env.clock.settle()
    assert env.flyte == HealthStatus(healthy=False, status="out of reach")

    await env.clock.advance(60)

    await registering
    assert env.engine.pack is not None
    assert env.flyte == HealthStatus(healthy=True, status="reached")


async def test_a_refused_registration_is_retried() -> None:
    env = Environment()
    env.faults.fail_before("register", RejectedByWorkflow("400"))
    registering = asyncio.create_task(env.breaker.register(), name="register")

    await env.clock.advance(60)

    assert not env.flyte.healthy
    assert env.faults.count("register") >= 6
    env.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await registering


async def test_the_engines_answer_is_returned(env: Environment) -> None:
    action_id = env.engine.enqueue(UnknownCommand("SendFax"))
    action = await env.workflow.take()
    assert action is not None
    assert action.id == action_id


@pytest.mark.parametrize(
    "error",
    [ActionTakenElsewhere("lost"), WorkflowServerError("500"), RejectedByWorkflow("400"), WorkflowInDoubt("no answer")],
)
async def test_errors_other_than_outages_are_raised_at_once(env: Environment, error: WorkflowError) -> None:
    env.faults.fail_before("take", error, times=1)

    with pytest.raises(type(error)):
        await env.workflow.take()
    assert env.faults.count("take") == 1
    assert env.flyte.healthy


async def test_an_outage_is_waited_out(env: Environment) -> None:
    env.go_down()
    taking = env.start()
    await env.clock.advance(3600)
    assert not taking.done()
    assert env.flyte == HealthStatus(healthy=False, status="out of reach")

    env.come_back()
    await env.clock.advance(10)

    assert await taking is None
    assert env.flyte.healthy


async def test_during_an_outage_one_request_probes_and_the_others_wait(env: Environment) -> None:
    env.go_down()
    taking = [env.start() for _ in range(100)]
    await env.clock.settle()
    asked = env.faults.count("take")

    await env.clock.advance(600)
    late = env.start()
    await env.clock.advance(600)

    assert env.faults.count("take") == asked
    assert env.faults.count("register") <= 200
    env.come_back()
    await env.clock.advance(10)
    assert await asyncio.gather(*taking, late) == [None] * 101


async def test_a_request_that_fails_while_registration_works_is_retried_with_growing_pauses(
    env: Environment,
) -> None:
    env.faults.fail_before("take", DOWN)
    taking = env.start()

    await env.clock.advance(300)

    pauses = [later - earlier for earlier, later in pairwise(env.faults.called_at("take"))]
    assert pauses[-1] >= 7
    env.shutdown.request()
    with pytest.raises(ShutdownRequested):
        await taking


async def test_a_refused_token_is_an_outage_and_named_in_health(env: Environment) -> None:
    for method in ("register", "take"):
        env.faults.fail_before(method, WorkflowUnauthorized("401"))
    taking = env.start()
    await env.clock.advance(5)
    assert env.flyte == HealthStatus(healthy=False, status="refuses the pack's token")

    env.come_back()
    await env.clock.advance(10)

    assert await taking is None


async def test_a_forgotten_pack_is_registered_again(env: Environment) -> None:
    env.engine.forget_pack()

    assert await env.workflow.take() is None
    assert env.engine.pack is not None
    assert env.faults.count("register") == 2


async def test_concurrent_requests_register_a_forgotten_pack_once(env: Environment) -> None:
    env.engine.forget_pack()
    env.faults.block("register")
    taking = [env.start() for _ in range(20)]
    await env.clock.settle()

    env.faults.lift("register")

    assert await asyncio.gather(*taking) == [None] * 20
    assert env.faults.count("register") == 2


async def test_the_result_of_an_action_unknown_after_registering_again_is_an_error(env: Environment) -> None:
    await env.clock.advance(60)
    with pytest.raises(PackNotRegistered):
        await env.complete()
    assert (env.faults.count("complete"), env.faults.count("register")) == (2, 2)
    assert env.flyte.healthy


async def test_results_of_many_unknown_actions_share_a_new_registration(env: Environment) -> None:
    await env.clock.advance(60)
    results = await asyncio.gather(*[env.complete() for _ in range(200)], return_exceptions=True)

    assert {type(result) for result in results} == {PackNotRegistered}
    assert env.faults.count("register") <= 3


@pytest.mark.parametrize("refused", ["take", "publish"])
async def test_a_pack_that_stays_unknown_is_registered_with_growing_pauses_and_unhealthy(
    env: Environment, refused: str
) -> None:
    env.faults.fail_before(refused, PackNotRegistered("404"))
    asking = env.ask(refused)
    others: list[bool] = []
    for _ in range(60):
        await env.clock.advance(10)
        await env.work_other_than(refused)
        others.append(env.flyte.healthy)

    assert not asking.done()
    assert not any(others)
    assert "check its security policy, and the pack's name and labels" in env.flyte.status
    assert 50 <= env.faults.count("register") <= 85
    env.faults.lift(refused)
    await env.clock.advance(10)
    await asking
    assert env.flyte == HealthStatus(healthy=True, status="reached")


@pytest.mark.parametrize("refused", ["take", "publish"])
async def test_a_refused_path_is_retried_without_registering_and_unhealthy(env: Environment, refused: str) -> None:
    env.faults.fail_before(refused, PathRefused("404 Not Found"))
    with capture_logs() as logs:
        asking = env.ask(refused)
        for _ in range(30):
            await env.clock.advance(10)
            await env.work_other_than(refused)
            assert not env.flyte.healthy

    assert env.faults.count("register") == 1
    assert 25 <= env.faults.count(refused) <= 50
    warned = [entry["reason"] for entry in logs if entry["event"] == "workflow_engine_refuses"]
    assert set(warned) == {"404 Not Found"}
    env.faults.lift(refused)
    await env.clock.advance(10)
    await asking
    assert env.flyte.healthy


async def test_the_refused_path_of_a_result_is_an_error_and_unhealthy_until_a_result_is_taken(
    env: Environment,
) -> None:
    env.faults.fail_before("complete", PathRefused("404 Not Found"), times=1)
    with pytest.raises(PathRefused):
        await env.complete()
    await env.workflow.take()
    assert env.flyte.status == "refuses results: check its security policy, and the pack's name and labels"

    env.engine.enqueue(UnknownCommand("SendFax"))
    action = await env.workflow.take()
    assert action is not None
    await env.complete(action.id)
    assert env.flyte.healthy
    assert env.faults.count("register") == 1


@pytest.mark.parametrize("refused", ["take", "publish"])
async def test_a_token_that_is_refused_for_one_kind_of_request_is_unhealthy_while_others_work(
    env: Environment, refused: str
) -> None:
    env.faults.fail_before(refused, WorkflowUnauthorized("401"))
    asking = env.ask(refused)
    for _ in range(10):
        await env.clock.advance(10)
        await env.work_other_than(refused)
        assert env.flyte == HealthStatus(healthy=False, status="refuses the pack's token")
    env.faults.lift(refused)
    await env.clock.advance(10)
    await asking


@pytest.mark.parametrize("error", [WorkflowServerError("500"), WorkflowInDoubt("no answer")])
@pytest.mark.parametrize("method", ["take", "publish"])
async def test_an_engine_that_fails_every_request_of_a_kind_is_unhealthy_while_others_work(
    env: Environment, method: str, error: WorkflowError
) -> None:
    env.faults.fail_before(method, error, times=8)
    for _ in range(8):
        assert env.flyte.healthy
        with pytest.raises(type(error)):
            await env.ask(method)
        await env.work_other_than(method)
    assert env.flyte.status in ("fails when asked for actions", "fails when given events")

    await env.ask(method)
    assert env.flyte.healthy


async def test_an_outage_of_one_kind_of_request_holds_up_no_other(env: Environment) -> None:
    env.faults.fail_before("publish", DOWN)
    asking = env.ask("publish")
    began = env.clock.elapsed
    for _ in range(100):
        await env.workflow.take()
    assert env.clock.elapsed == began
    env.faults.lift("publish")
    await env.clock.advance(10)
    await asking


async def test_requests_before_the_first_registration_wait_for_it_without_a_warning() -> None:
    env = Environment()
    env.faults.block("register")
    with capture_logs() as logs:
        taking = env.start()
        registering = asyncio.create_task(env.breaker.register(), name="register")
        publishing = env.ask("publish")
        await env.clock.advance(30)
        assert not taking.done()
        env.faults.lift("register")
        await asyncio.gather(taking, registering, publishing)

    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == []
    assert env.faults.count("register") == 1


async def test_the_number_of_concurrent_requests_is_limited(env: Environment) -> None:
    env.faults.block("take")
    taking = [env.start() for _ in range(100)]
    await env.clock.settle()

    assert env.faults.count("take") == 32

    env.faults.lift("take")
    assert len(await asyncio.gather(*taking)) == 100


async def test_interactions_have_places_of_their_own(env: Environment) -> None:
    env.faults.block("take")
    env.faults.block("publish")
    requests = [env.start() for _ in range(100)]
    for activity in activities():
        event = ReceivedEvent(activity, User(activity.user_id))
        requests.append(asyncio.create_task(env.workflow.publish(event, env.clock.now())))
    await env.clock.settle()

    assert env.faults.count("publish") == len([each for each in activities() if isinstance(each, INTERACTIONS)])

    for method in ("take", "publish"):
        env.faults.lift(method)
    await asyncio.gather(*requests)


async def test_shutdown_ends_the_waiting_of_all(env: Environment) -> None:
    env.go_down()
    taking = [env.start() for _ in range(5)]
    await env.clock.advance(60)

    env.shutdown.request()

    results = await asyncio.gather(*taking, return_exceptions=True)
    assert [type(result) for result in results] == [ShutdownRequested] * 5


async def test_shutdown_does_not_interrupt_a_request_in_progress(env: Environment) -> None:
    env.engine.enqueue(UnknownCommand("SendFax"))
    env.faults.block("take")
    taking = env.start()
    await env.clock.settle()
    env.shutdown.request()
    await env.clock.settle()
    assert not taking.done()

    env.faults.lift("take")

    assert await taking is not None
