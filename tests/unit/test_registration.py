"""The registration with the workflow engine: at the start, and again when the engine has forgotten the pack."""

import asyncio

import pytest
from structlog.testing import capture_logs

from application.health import HealthStatus
from application.resilience.shutdown import ShutdownRequested
from domain.commands import UnknownCommand
from domain.errors import (
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowServerError,
    WorkflowUnauthorized,
)
from tests.support.broken_engine import DOWN, Environment


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
