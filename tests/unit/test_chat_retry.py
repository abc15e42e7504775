"""Calls to the chat service during rate limits and outages, and their effect on its health."""

import asyncio
import itertools

import pytest
from structlog.testing import capture_logs

from adapters.memory.chat import MemoryChat
from adapters.memory.storage import MemoryStorage
from application.health import ChatHealth, HealthRegistry, HealthStatus
from application.resilience.chat_retry import ChatHealthPolicy, ChatRetryPolicy
from application.resilience.interception import PortCall, intercepted
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.channel_locks import ChannelLocks
from application.services.pauses import Pauses
from application.services.post_gate import PostGate
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

OUT_OF_REACH = Unreachable("timeout", "no answer")
REVOKED = AuthenticationFailed("token_revoked", "make a new one")


class _Chat:
    """A chat service with one method, which is retried as `Chat.join` is."""

    async def join(self) -> str:
        return "answer"


class Caller:
    """Calls the chat service through the policies."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("slack",))
        self.chat_health = ChatHealth(self.health.reporter("slack"))
        chat = intercepted(intercepted(_Chat(), self.faults), ChatHealthPolicy(self.chat_health))
        self.storage = MemoryStorage(self.clock)
        pauses = Pauses(
            MemoryChat(self.clock),
            self.storage,
            ChannelLocks(self.storage.leases, self.shutdown),
            PostGate(self.shutdown),
            self.health.reporter("slack"),
            self.shutdown,
        )
        self.chat = intercepted(chat, ChatRetryPolicy(self.shutdown, pauses, give_up_seconds=600))

    async def call(self) -> str:
        return await self.chat.join()

    def start(self) -> "asyncio.Task[str]":
        return asyncio.create_task(self.call(), name="call")

    @property
    def slack(self) -> HealthStatus:
        return self.health.checks()["slack"]


@pytest.fixture
def caller() -> Caller:
    return Caller()


async def test_rate_limits_are_waited_out_as_told_however_long(caller: Caller) -> None:
    for seconds in (30.0, 1200.0, 2.5):
        caller.faults.fail_before("join", RateLimited(seconds), times=1)
    calling = caller.start()

    await caller.clock.advance(1232.5)

    assert await calling == "answer"
    assert caller.faults.called_at("join") == pytest.approx([0, 30, 1230, 1232.5])


async def test_after_a_rate_limit_of_more_than_an_hour_slack_is_asked_again_every_hour(caller: Caller) -> None:
    caller.faults.fail_before("join", RateLimited(1e11), times=2)
    calling = caller.start()

    await caller.clock.advance(7200)

    assert await calling == "answer"
    assert caller.faults.called_at("join") == pytest.approx([0, 3600, 7200])


@pytest.mark.parametrize(("seconds", "level"), [(60, "info"), (61, "warning")])
async def test_a_rate_limit_is_logged_and_one_of_more_than_a_minute_is_a_warning(
    caller: Caller, seconds: float, level: str
) -> None:
    caller.faults.fail_before("join", RateLimited(seconds), times=1)

    with capture_logs() as logs:
        calling = caller.start()
        await caller.clock.settle()

    assert logs == [{"event": "throttled", "log_level": level, "method": "join", "seconds": seconds}]
    await caller.clock.advance(61)
    await calling


async def test_an_outage_is_waited_out_with_growing_pauses(caller: Caller) -> None:
    caller.faults.fail_before("join", OUT_OF_REACH, times=10)
    calling = caller.start()

    await caller.clock.advance(200)

    assert await calling == "answer"
    times = caller.faults.called_at("join")
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] <= 0.25
    assert 20 <= pauses[-1] <= 30
    assert pauses[:6] == sorted(pauses[:6])


async def test_an_outage_is_given_up_after_its_time_limit_and_not_before(caller: Caller) -> None:
    caller.faults.fail_before("join", OUT_OF_REACH)
    calling = caller.start()

    await caller.clock.advance(599.9)
    assert not calling.done()
    await caller.clock.advance(0.1)

    with pytest.raises(Unreachable):
        await calling


async def test_rate_limits_do_not_count_towards_giving_up(caller: Caller) -> None:
    caller.faults.fail_before("join", OUT_OF_REACH, times=1)
    caller.faults.fail_before("join", RateLimited(700), times=1)
    caller.faults.fail_before("join", OUT_OF_REACH, times=1)
    calling = caller.start()

    await caller.clock.advance(710)

    assert await calling == "answer"


@pytest.mark.parametrize(
    "error", [ChatRejected("is_archived", "too late"), REVOKED, InDoubt("internal_error", "who knows")]
)
async def test_permanent_errors_are_raised_at_once(caller: Caller, error: ChatError) -> None:
    caller.faults.fail_before("join", error, times=1)

    with pytest.raises(type(error)):
        await caller.call()
    assert caller.faults.count("join") == 1


@pytest.mark.parametrize("error", [RateLimited(3600), OUT_OF_REACH])
async def test_shutdown_ends_the_waiting(caller: Caller, error: ChatError) -> None:
    caller.faults.fail_before("join", error)
    calling = caller.start()
    await caller.clock.settle()

    caller.shutdown.request()

    with pytest.raises(ShutdownRequested):
        await calling


@pytest.mark.parametrize("method", ["history", "replies"])
async def test_a_history_that_is_out_of_reach_does_not_make_slack_unhealthy(caller: Caller, method: str) -> None:
    async def fail() -> None:
        raise OUT_OF_REACH

    caller.chat_health.on_success()
    caller.chat_health.on_receiver_status()
    with pytest.raises(Unreachable):
        await ChatHealthPolicy(caller.chat_health).execute(PortCall(method, (), {}, fail))

    assert caller.slack == HealthStatus(healthy=True, status="connected")


async def test_slack_is_healthy_when_it_answers_and_events_arrive(caller: Caller) -> None:
    await caller.call()
    assert caller.slack == HealthStatus(healthy=False, status="starting")

    caller.chat_health.on_receiver_status()

    assert caller.slack == HealthStatus(healthy=True, status="connected")


async def test_an_outage_is_unhealthy_until_slack_answers_again(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.fail_before("join", OUT_OF_REACH, times=1)
    calling = caller.start()
    await caller.clock.settle()
    assert caller.slack == HealthStatus(healthy=False, status="out of reach")

    await caller.clock.advance(1)

    await calling
    assert caller.slack.healthy


async def test_a_refused_token_is_unhealthy_until_slack_accepts_it(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.fail_before("join", REVOKED, times=1)
    with pytest.raises(AuthenticationFailed):
        await caller.call()
    assert caller.slack == HealthStatus(healthy=False, status="the token is refused (token_revoked)")
    assert caller.chat_health.refusal_code == "token_revoked"

    await caller.call()

    assert caller.slack.healthy
    assert not caller.chat_health.refusal_code


async def test_a_rejected_call_does_not_affect_health(caller: Caller) -> None:
    caller.chat_health.on_receiver_status()
    caller.faults.fail_before("join", ChatRejected("is_archived", "too late"), times=1)

    with pytest.raises(ChatRejected):
        await caller.call()
    assert caller.slack.healthy


def test_every_reason_for_being_unhealthy_is_shown(caller: Caller) -> None:
    caller.chat_health.on_error(REVOKED)
    caller.chat_health.on_receiver_status("not connected: link_disabled")
    caller.chat_health.on_unheard_channels(2)

    assert caller.slack.status == (
        "the token is refused (token_revoked); not connected: link_disabled; joined channels that are not heard: 2"
    )
