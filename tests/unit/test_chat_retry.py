"""Requests to the chat service, through throttling and outages, and what they say about its health."""

import asyncio
import itertools

import pytest

from adapters.memory.clock import MemoryClock
from application.health import ChatHealth, HealthRegistry, HealthStatus
from application.resilience.chat_retry import ChatLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from tests.support.faults import Faults

OUT_OF_REACH = Unreachable("timeout", "no answer")
REVOKED = AuthenticationFailed("token_revoked", "make a new one")


class Caller:
    """Somebody with one thing to ask for."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.faults = Faults(self.clock)
        self.stop = Shutdown(self.clock)
        self.health = HealthRegistry()
        self.chat_health = ChatHealth(self.health)
        self.line = ChatLine(self.clock, self.stop, self.chat_health, give_up_seconds=600)
        self.told_to_wait: list[float] = []

    async def ask(self) -> str:
        async def deed() -> str:
            return "answer"

        async def note(seconds: float) -> None:
            self.told_to_wait.append(seconds)

        return await self.line(lambda: self.faults.perform("ask", deed), on_rate_limit=note)

    def begin(self) -> "asyncio.Task[str]":
        return asyncio.create_task(self.ask(), name="ask")

    @property
    def slack(self) -> HealthStatus:
        return self.health.checks()["slack"]


@pytest.fixture
def caller() -> Caller:
    return Caller()


async def test_rate_limits_are_waited_out_as_told_however_long(caller: Caller) -> None:
    for seconds in (30.0, 1200.0, 2.5):
        caller.faults.before("ask", RateLimited(seconds), times=1)
    asking = caller.begin()

    await caller.clock.advance(1232.5)

    assert await asking == "answer"
    assert caller.faults.called_at("ask") == [0, 30, 1230, 1232.5]
    assert caller.told_to_wait == [30, 1200, 2.5]


async def test_an_outage_is_waited_out_with_growing_pauses(caller: Caller) -> None:
    caller.faults.before("ask", OUT_OF_REACH, times=10)
    asking = caller.begin()

    await caller.clock.advance(200)

    assert await asking == "answer"
    times = caller.faults.called_at("ask")
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] <= 0.25
    assert 20 <= pauses[-1] <= 30
    assert pauses[:6] == sorted(pauses[:6])


async def test_an_outage_is_given_up_after_its_time_limit_and_not_before(caller: Caller) -> None:
    caller.faults.before("ask", OUT_OF_REACH)
    asking = caller.begin()

    await caller.clock.advance(599.9)
    assert not asking.done()
    await caller.clock.advance(0.1)

    with pytest.raises(Unreachable):
        await asking


async def test_rate_limits_do_not_count_towards_giving_up(caller: Caller) -> None:
    caller.faults.before("ask", OUT_OF_REACH, times=1)
    caller.faults.before("ask", RateLimited(700), times=1)
    caller.faults.before("ask", OUT_OF_REACH, times=1)
    asking = caller.begin()

    await caller.clock.advance(710)

    assert await asking == "answer"


@pytest.mark.parametrize(
    "error", [ChatRejected("is_archived", "too late"), REVOKED, InDoubt("internal_error", "who knows")]
)
async def test_permanent_errors_are_raised_at_once(caller: Caller, error: ChatError) -> None:
    caller.faults.before("ask", error, times=1)

    with pytest.raises(type(error)):
        await caller.ask()
    assert caller.faults.count("ask") == 1


@pytest.mark.parametrize("error", [RateLimited(3600), OUT_OF_REACH])
async def test_shutdown_ends_the_waiting(caller: Caller, error: ChatError) -> None:
    caller.faults.before("ask", error)
    asking = caller.begin()
    await caller.clock.until_asleep()

    caller.stop.request()

    with pytest.raises(ShutdownRequested):
        await asking


async def test_slack_is_healthy_when_it_answers_and_events_arrive(caller: Caller) -> None:
    await caller.ask()
    assert caller.slack == HealthStatus(healthy=False, status="starting")

    caller.chat_health.on_receiver_status()

    assert caller.slack == HealthStatus(healthy=True, status="connected")


async def test_an_outage_is_unhealthy_until_slack_answers_again(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.before("ask", OUT_OF_REACH, times=1)
    asking = caller.begin()
    await caller.clock.until_asleep()
    assert caller.slack == HealthStatus(healthy=False, status="out of reach")

    await caller.clock.advance(1)

    await asking
    assert caller.slack.healthy


async def test_a_refused_token_is_unhealthy_until_slack_accepts_it(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.before("ask", REVOKED, times=1)
    with pytest.raises(AuthenticationFailed):
        await caller.ask()
    assert caller.slack == HealthStatus(healthy=False, status="the token is refused (token_revoked)")
    assert caller.chat_health.token_is_refused

    await caller.ask()

    assert caller.slack.healthy
    assert not caller.chat_health.token_is_refused


async def test_a_rejected_call_does_not_affect_health(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.before("ask", ChatRejected("is_archived", "too late"), times=1)

    with pytest.raises(ChatRejected):
        await caller.ask()
    assert caller.slack.healthy


def test_every_reason_for_being_unhealthy_is_shown(caller: Caller) -> None:
    caller.chat_health.on_access_lost("token_revoked")
    caller.chat_health.on_receiver_status("not connected: link_disabled")

    assert caller.slack.status == "the token is refused (token_revoked); not connected: link_disabled"
