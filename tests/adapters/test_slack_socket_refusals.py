"""Disconnect warnings, refused connections and rejected tokens."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.slack.sockets.socket_mode import SlackSocketMode
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from domain.errors import AuthenticationFailed, ChatRejected
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.event_log import SocketClosed, SocketOpened
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.receiver_sessions import OPEN, connected_session, connecting_session
from tests.support.slack_receiver import connect_receiver
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

# Disconnect warnings and refusals


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "something_new"])
async def test_a_disconnect_warning_causes_no_gap(reason: str) -> None:
    async with connected_session() as session:
        await session.establish()
        (old,) = session.slack.connections
        session.slack.disconnect(reason, close_after_seconds=30)

        await session.slack.wait_for(lambda: session.slack.connections and old not in session.slack.connections)

        assert len(session.slack.connections) == 1
        await session.receives("after")
        assert session.attempts == 2


async def test_the_new_connection_is_open_before_the_old_one_is_closed() -> None:
    async with connected_session() as session:
        await session.establish()
        counts: list[int] = []
        changes = session.slack.log.subscribe()
        session.slack.disconnect("refresh_requested", close_after_seconds=30)
        async with asyncio.timeout(5):
            async for event in changes:
                if isinstance(event, SocketOpened | SocketClosed):
                    counts.append(1 if isinstance(event, SocketOpened) else -1)
                if len(counts) == 2:
                    break
        assert counts == [1, -1]


async def test_an_acknowledgement_is_sent_on_the_connection_of_its_event() -> None:
    async with connected_session() as session:
        await session.establish()
        (old,) = session.slack.connections
        timestamp = session.slack_receiver.say("just before")
        event = await next_event(session.events)
        session.slack.disconnect("refresh_requested", close_after_seconds=30)
        await session.slack.wait_for(lambda: len(session.slack.connections) == 2)

        await event.acknowledge()

        await session.slack.wait_for(lambda: session.slack.is_acknowledged(session.slack_receiver.channel, timestamp))
        await session.slack.wait_for(lambda: old not in session.slack.connections)
        assert session.slack.counters["deliveries"] == 1


async def test_there_are_never_more_than_two_connections() -> None:
    async with connected_session() as session:
        counts = [1]
        changes = session.slack.log.subscribe()
        consumer = asyncio.create_task(_consume(session.events), name="consumer")
        for number in range(5):
            await session.establish()
            session.slack_receiver.say(f"never acknowledged {number}")
            session.slack.disconnect("refresh_requested", close_after_seconds=0.1)
            async with asyncio.timeout(5):
                while counts[-1] != 1 or len(counts) < 2 * number + 3:
                    event = await anext(changes)
                    if isinstance(event, SocketOpened | SocketClosed):
                        counts.append(counts[-1] + (1 if isinstance(event, SocketOpened) else -1))
        consumer.cancel()
        assert max(counts) == 2


async def _consume(events: AsyncIterator[IncomingEvent]) -> None:
    async for _ in events:
        pass


@pytest.mark.parametrize(
    ("reason", "explanation"),
    [
        (
            "too_many_websockets",
            "the app has as many connections as Slack allows (10); stop some of its other replicas",
        ),
        ("link_disabled", "Socket Mode is switched off; switch it on in the app's settings"),
    ],
)
async def test_an_explicit_refusal_delays_the_next_attempt(reason: str, explanation: str) -> None:
    async with connected_session() as session:
        await session.establish()
        session.slack.disconnect(reason)
        assert await session.disconnected() == f"{reason}: {explanation}"

        pause = await session.next_pause()
        assert 30 <= pause <= 60
        assert isinstance(await session.event(), Connected)


async def test_a_refusal_before_the_hello_delays_the_next_attempt_too() -> None:
    clock = TestTime()
    async with SlackServer() as slack, connect_receiver(slack, clock) as slack_receiver:
        replica = SlackSocketMode(slack_receiver.web, slack.app_token, slack_receiver.chat.identify, clock)
        others = [await slack_receiver.web.connect(await replica.request_url()) for _ in range(10)]
        async with slack_receiver.receiver.events() as events:
            event = (await next_event(events)).event
            began, attempts = clock.elapsed, slack.counters[OPEN]
            await slack.wait_for(lambda: slack.counters[OPEN] > attempts, timeout=120)
            pause = clock.elapsed - began
        for other in others:
            await other.close()

    assert isinstance(event, Disconnected)
    assert event.reason.startswith("too_many_websockets: ")
    assert pause >= 30


# Rejected tokens


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_rejected_app_token_ends_the_iteration_and_names_the_variable(code: str) -> None:
    async with connecting_session() as session:
        session.slack.faults.plan(OPEN, faults.error(code))
        with pytest.raises(AuthenticationFailed) as refusal:
            await session.event()
        assert refusal.value.code == code
        assert "FLYTE_SLACK_APP_TOKEN" in refusal.value.explanation


async def test_a_missing_scope_ends_the_iteration_and_is_named() -> None:
    async with connecting_session() as session:
        fault = faults.error("missing_scope", needed="connections:write", provided="authorizations:read")
        session.slack.faults.plan(OPEN, fault)
        with pytest.raises(ChatRejected) as refusal:
            await session.event()
        assert "lacks the scope connections:write (it has: authorizations:read)" in refusal.value.explanation


async def test_a_token_rejected_later_is_reported_and_retried() -> None:
    async with connected_session() as session:
        session.slack.faults.plan(OPEN, faults.error("invalid_auth"))
        await session.establish()
        session.slack.drop_sockets()
        await session.disconnected()
        assert (await session.disconnected()).startswith("invalid_auth: ")
        pause = await session.next_pause()
        assert pause >= 30
        await session.clock.advance(pause)
        assert isinstance(await session.event(), Connected)


async def test_an_unreachable_slack_is_retried_from_the_start() -> None:
    clock = TestTime()
    async with SlackServer() as slack, connect_receiver(slack, clock) as slack_receiver:
        await slack.go_down()
        async with slack_receiver.receiver.events() as events:
            event = (await next_event(events)).event
            assert isinstance(event, Disconnected)
            assert event.reason.startswith("unreachable: ")
            await slack.come_up()
            await clock.settle()
            await clock.advance(1)
            assert (await next_event(events)).event == Connected(None)
