"""Requests to the workflow engine during outages."""

import asyncio
from itertools import pairwise

import pytest

from application.health import HealthStatus
from application.resilience.shutdown import ShutdownRequested
from domain.commands import UnknownCommand
from domain.errors import (
    ActionTakenElsewhere,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
)
from domain.events import ReceivedEvent
from domain.interactions import INTERACTIONS
from domain.users import User
from tests.support.activities import activities
from tests.support.broken_engine import DOWN, Environment


@pytest.fixture
async def env() -> Environment:
    env = Environment()
    await env.breaker.register()
    return env


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
