import asyncio

import pytest
import structlog

from adapters.rate_limiter import InMemoryRateLimiter
from adapters.slack.sockets.socket_mode import SlackSocketMode
from application.ports.receiver import CONNECT, Connected, Disconnected
from domain.messages import IncomingMessage
from entrypoints.simulation.faults import Fault, Hang
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.receiver_sessions import OPEN, connected_session, connecting_session
from tests.support.slack_receiver import connect_receiver
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time


# Losing connections


async def test_a_lost_connection_is_reopened_and_its_gap_reported() -> None:
    async with connected_session() as session:
        await session.clock.advance(5)
        session.slack.drop_sockets()
        assert await session.disconnected() == "the connection ended"

        await session.clock.advance(1)

        connected = await session.event()
        assert isinstance(connected, Connected)
        assert connected.disconnected_seconds == pytest.approx(1, abs=5)
        await session.receives("after")


async def test_an_established_connection_is_replaced_at_once() -> None:
    async with connected_session() as session:
        await session.establish()
        session.slack.drop_sockets()
        await session.disconnected()
        assert isinstance(await session.event(), Connected)


async def test_messages_sent_during_a_disconnection_arrive_afterwards() -> None:
    async with connected_session() as session:
        session.slack.drop_sockets()
        await session.disconnected()
        session.slack_receiver.say("meanwhile")

        await session.clock.advance(1)

        assert isinstance(await session.event(), Connected)
        said = await session.event()
        assert isinstance(said, IncomingMessage)
        assert said.text == "meanwhile"


async def test_a_silent_connection_is_replaced() -> None:
    async with connected_session() as session:
        session.slack.silence_sockets()

        for _ in range(4):
            await session.clock.advance(10)

        assert await session.disconnected() == "Slack fell silent"
        assert isinstance(await session.event(), Connected)
        await session.receives("after")


async def test_a_quiet_connection_is_pinged_and_stays_open() -> None:
    async with connected_session() as session:
        for _ in range(20):
            await session.clock.advance(9)
            await session.receives("still there")
        assert session.attempts == 1


async def test_every_attempt_requests_a_new_url() -> None:
    async with connected_session() as session:
        session.slack.faults.plan(faults.HANDSHAKE, faults.http_status(409), times=2)
        session.slack.drop_sockets()
        assert await session.disconnected() == "the connection ended"
        await session.clock.settle()
        await session.clock.advance(1)
        assert await session.disconnected() == "no_socket: Slack refused to open a socket (HTTP 409)"
        await session.clock.settle()
        await session.clock.advance(3)
        await session.slack.wait_for(lambda: session.attempts == 3)
        await session.clock.settle()
        await session.clock.advance(5)
        assert isinstance(await session.event(), Connected)
        assert session.attempts == 4


async def test_attempts_back_off_while_slack_is_down() -> None:
    async with connected_session() as session:
        session.slack.faults.plan(OPEN, faults.error("internal_error"), times=None)
        session.slack.drop_sockets()
        await session.disconnected()
        pauses: list[float] = []
        while len(pauses) < 8:
            pauses.append(await session.next_pause())

        assert pauses[0] <= 1
        assert sum(pauses[:4]) > 8
        assert all(22 <= pause <= 30 for pause in pauses[6:])


async def test_attempts_that_fail_after_a_loss_are_no_warnings_unless_slack_refuses_the_token() -> None:
    async with connected_session() as session:
        for code, times in (("internal_error", 3), ("invalid_auth", 2)):
            session.slack.faults.plan(OPEN, faults.error(code), times=times)
        with structlog.testing.capture_logs() as logs:
            session.slack.drop_sockets()
            await session.disconnected()
            while session.attempts < 7:
                await session.clock.settle()
                await session.clock.advance(1)

    failures = [(line["log_level"], line["reason"][:12]) for line in logs if line["event"] == "slack_socket_not_opened"]
    assert [reason for level, reason in failures if level == "warning"] == ["invalid_auth"]
    assert [reason for level, reason in failures if level == "info"] == ["internal_err"]
    assert len(failures) == 5


async def test_a_replacement_that_slack_asks_for_is_logged_as_detail_only() -> None:
    async with connected_session() as session:
        await session.establish()
        (old,) = session.slack.connections
        with structlog.testing.capture_logs() as logs:
            session.slack.disconnect("refresh_requested", close_after_seconds=30)
            await session.slack.wait_for(lambda: session.slack.connections and old not in session.slack.connections)

    assert {line["event"] for line in logs} >= {"slack_socket_to_be_replaced", "slack_socket_open"}
    assert {line["log_level"] for line in logs} == {"debug"}


async def test_the_same_failure_is_reported_once() -> None:
    async with connected_session() as session:
        session.slack.faults.plan(OPEN, faults.error("internal_error"), times=3)
        session.slack.drop_sockets()
        assert await session.disconnected() == "the connection ended"
        while session.attempts < 5:
            await session.clock.settle()
            await session.clock.advance(1)
        assert await session.disconnected() == "internal_error: Slack failed while processing apps.connections.open"
        assert isinstance(await session.event(), Connected)


async def test_the_time_that_slack_asks_to_wait_is_respected() -> None:
    async with connected_session() as session:
        session.slack.faults.plan(OPEN, faults.rate_limited(40))
        session.slack.drop_sockets()
        await session.disconnected()
        await session.clock.settle()
        await session.clock.advance(1)
        assert await session.disconnected() == "ratelimited: Slack asks to wait 40 s"
        assert 38 < await session.next_pause() <= 41
        assert isinstance(await session.event(), Connected)


async def test_connections_that_end_at_once_are_reopened_with_delays() -> None:
    async with connected_session() as session:
        for _ in range(5):
            session.slack.drop_sockets()
            await session.disconnected()
            pause = await session.next_pause()
            assert pause >= 0.7
            assert isinstance(await session.event(), Connected)


async def test_connections_that_keep_ending_soon_after_their_hello_are_reopened_with_growing_delays() -> None:
    async with connected_session() as session:
        for longest in (1, 2, 4, 8, 16, 30, 30):
            session.slack.drop_sockets()
            await session.disconnected()
            assert 0.7 * longest <= await session.next_pause() <= longest + 0.5
            assert isinstance(await session.event(), Connected)

        await session.establish()
        session.slack.drop_sockets()
        await session.disconnected()
        assert await session.next_pause() < 0.5


async def test_a_socket_without_a_hello_is_abandoned() -> None:
    async with connecting_session(timeout_seconds=0.5) as session:
        session.slack.faults.plan(faults.HELLO, Hang())
        assert await session.disconnected() == "no_hello: Slack opened a socket but sent no hello"
        await session.clock.settle()
        await session.clock.advance(1)
        assert await session.event() == Connected(None)


# Leaving


@pytest.mark.parametrize("fault", [Hang(), faults.error("internal_error")])
async def test_leaving_cancels_a_connection_attempt(fault: Fault) -> None:
    clock = TestTime()
    async with SlackServer() as slack, connect_receiver(slack, clock) as slack_receiver:
        slack.faults.plan(OPEN, fault, times=None)
        async with asyncio.timeout(3):
            async with slack_receiver.receiver.events():
                await slack.wait_for(lambda: slack.counters[OPEN])
        assert not [task for task in asyncio.all_tasks() if "slack socket mode" in task.get_name()]


async def test_leaving_closes_the_connection() -> None:
    async with SlackServer() as slack, connect_receiver(slack, TestTime()) as slack_receiver:
        async with slack_receiver.receiver.events() as events:
            await next_event(events)
            assert len(slack.connections) == 1
        await slack.wait_for(lambda: not slack.connections)


async def test_a_pause_of_connecting_is_kept_with_the_others_and_ends_when_it_is_lifted() -> None:
    clock = TestTime()
    pauses = InMemoryRateLimiter(clock)
    async with SlackServer() as slack, connect_receiver(slack, clock) as slack_receiver:
        slack.faults.plan(OPEN, faults.rate_limited(3000))
        web, identify = slack_receiver.web, slack_receiver.chat.identify
        async with SlackSocketMode(web, slack.app_token, identify, clock, pauses).events() as events:
            assert isinstance((await next_event(events)).event, Disconnected)
            await clock.advance(100)
            assert await pauses.paused() == {CONNECT: pytest.approx(2900, abs=1)}
            await pauses.lift([CONNECT])
            began = clock.elapsed
            assert isinstance((await next_event(events)).event, Connected)
            assert clock.elapsed - began <= 1
