import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import structlog

from adapters.rate_limiter import InMemoryRateLimiter
from adapters.slack.sockets.frames import EventReceived, Frame
from adapters.slack.sockets.socket_mode import SlackSocketMode
from application.ports.receiver import CONNECT, AccessLost, ChatEvent, Connected, Disconnected, IncomingEvent
from domain.errors import AuthenticationFailed, ChatRejected
from domain.interactions import BlockAction
from domain.json_values import JsonObject
from domain.messages import IncomingMessage
from entrypoints.simulation.faults import Fault, Hang
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.delivery.interaction import InteractionState
from entrypoints.simulation.slack.event_log import SocketClosed, SocketOpened
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.slack_receiver import ConnectedReceiver, connect_receiver
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

BLOCK_ACTIONS: JsonObject = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "trigger_id": "1.2",
    "actions": [{"type": "button", "action_id": name, "action_ts": "3.4"} for name in ("a", "b")],
}

OPEN = "apps.connections.open"


@dataclass
class ReceiverSession:
    slack: SlackServer
    slack_receiver: ConnectedReceiver
    clock: TestTime
    events: AsyncIterator[IncomingEvent]

    async def event(self) -> ChatEvent:
        event = await next_event(self.events)
        await event.acknowledge()
        return event.event

    async def disconnected(self) -> str:
        event = await self.event()
        assert isinstance(event, Disconnected)
        return event.reason

    async def receives(self, text: str) -> None:
        self.slack_receiver.say(text)
        event = await self.event()
        assert isinstance(event, IncomingMessage)
        assert event.text == text

    async def establish(self) -> None:
        """Lets the connection live long enough to be replaced at once after its end."""
        await self.clock.advance(11)

    async def next_pause(self) -> float:
        """Waits for the next attempt to connect, and returns how long it took."""
        began, attempts = self.clock.elapsed, self.attempts
        await self.slack.wait_for(lambda: self.attempts > attempts, timeout=120)
        return self.clock.elapsed - began

    @property
    def attempts(self) -> int:
        return self.slack.counters[OPEN]


@asynccontextmanager
async def connected_session(
    *, timeout_seconds: float = 5.0, ping_seconds: float = 5.0
) -> AsyncIterator[ReceiverSession]:
    """A connected receiver in virtual time."""
    async with connecting_session(timeout_seconds=timeout_seconds, ping_seconds=ping_seconds) as session:
        assert await session.event() == Connected(None)
        yield session


@asynccontextmanager
async def connecting_session(
    *, timeout_seconds: float = 5.0, ping_seconds: float = 5.0
) -> AsyncIterator[ReceiverSession]:
    """A receiver that is connecting, in virtual time."""
    clock = TestTime()
    async with (
        SlackServer(ping_seconds=ping_seconds) as slack,
        connect_receiver(slack, clock, timeout_seconds=timeout_seconds) as slack_receiver,
        slack_receiver.receiver.events() as events,
    ):
        yield ReceiverSession(slack, slack_receiver, clock, events)


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


# Frames


@pytest.mark.parametrize(
    "frame",
    ["", "no json", "[]", "null", '"text"', "{}", '{"type": 7}', '{"type": "events_api"}', b"\xff\xfe", "[" * 10_000],
)
async def test_a_malformed_frame_does_no_harm(frame: str | bytes) -> None:
    async with connected_session() as session:
        session.slack.raw_frame(frame)
        await session.receives("after")
        assert session.attempts == 1


async def test_a_frame_of_more_than_four_mib_ends_the_connection_with_a_reason() -> None:
    async with connected_session() as session:
        with structlog.testing.capture_logs() as logs:
            session.slack.raw_frame("x" * (4 * 1024 * 1024 + 1))
            assert await session.disconnected() == "Slack sent a frame of more than 4194304 bytes"
        assert {"event": "slack_frame_too_large", "limit_bytes": 4194304, "log_level": "info"} in logs
        assert isinstance(await session.event(), Connected)
        await session.receives("after")


async def test_a_bug_in_the_parser_costs_one_frame_only() -> None:
    class Faulty(SlackSocketMode):
        def parse(self, frame: JsonObject) -> Frame:
            if frame.get("type") == "strange":
                raise LookupError("unforeseen")
            return super().parse(frame)

    clock = TestTime()
    async with SlackServer() as slack, connect_receiver(slack, clock) as connected:
        receiver = Faulty(connected.web, slack.app_token, connected.chat.identify, clock)
        async with receiver.events() as events:
            assert isinstance((await next_event(events)).event, Connected)
            with structlog.testing.capture_logs() as logs:
                slack.raw_frame('{"type": "strange"}')
                connected.say("after")
                assert isinstance((await next_event(events)).event, IncomingMessage)
            assert [line["event"] for line in logs if line["log_level"] == "error"] == ["slack_frame_failed"]


@asynccontextmanager
async def replying_session(command_reply: str) -> AsyncIterator[tuple[ConnectedReceiver, AsyncIterator[IncomingEvent]]]:
    clock = TestTime()
    async with SlackServer() as slack, connect_receiver(slack, clock) as connected:
        identify = connected.chat.identify
        receiver = SlackSocketMode(connected.web, slack.app_token, identify, clock, command_reply=command_reply)
        async with receiver.events() as events:
            await next_event(events)
            yield connected, events


@pytest.mark.parametrize(("reply", "response"), [("On it!", {"text": "On it!"}), ("", None)])
async def test_a_slash_command_is_answered_with_the_reply(reply: str, response: object) -> None:
    async with replying_session(reply) as (connected, events):
        command = connected.slack.run_command("alice", connected.channel, "/deploy")
        await (await next_event(events)).acknowledge()
        await connected.slack.wait_for(lambda: command.state is InteractionState.ACKNOWLEDGED)
        assert command.response == response


async def test_a_click_is_answered_without_the_reply_to_commands() -> None:
    async with replying_session("On it!") as (connected, events):
        click = connected.slack.send_interaction("interactive", BLOCK_ACTIONS)
        for _ in range(2):
            await (await next_event(events)).acknowledge()
        await connected.slack.wait_for(lambda: click.state is InteractionState.ACKNOWLEDGED)
        assert click.response is None


async def test_a_slash_command_that_takes_no_response_gets_none() -> None:
    async with replying_session("On it!") as (connected, _):
        protocol = SlackSocketMode(connected.web, "xapp-1", connected.chat.identify, TestTime(), command_reply="Yes")
        fields: JsonObject = {"command": "/deploy", "user_id": "U1", "trigger_id": "1.2"}
        frame: JsonObject = {"type": "slash_commands", "envelope_id": "e", "payload": fields}
        for accepts, response in ((True, {"text": "Yes"}), (False, None), (None, None), ("true", None)):
            parsed = protocol.parse({**frame, "accepts_response_payload": accepts})
            assert isinstance(parsed, EventReceived)
            assert parsed.response == response


async def test_a_request_for_options_gets_none() -> None:
    async with replying_session("On it!") as (connected, _):
        suggestion = connected.slack.send_interaction("interactive", {"type": "block_suggestion", "value": "a"})
        await connected.slack.wait_for(lambda: suggestion.state is InteractionState.ACKNOWLEDGED)
        assert suggestion.response == {"options": []}


async def test_several_actions_are_acknowledged_together() -> None:
    async with replying_session("") as (connected, events):
        click = connected.slack.send_interaction("interactive", BLOCK_ACTIONS)
        first, second = await next_event(events), await next_event(events)
        assert [event.event.action_id for event in (first, second) if isinstance(event.event, BlockAction)] == [
            "a",
            "b",
        ]
        await first.acknowledge()
        connected.say("between")
        await (await next_event(events)).acknowledge()
        await connected.slack.wait_for(lambda: connected.slack.acknowledged)
        assert click.state is InteractionState.SENT
        await second.acknowledge()
        await connected.slack.wait_for(lambda: click.state is InteractionState.ACKNOWLEDGED)


@pytest.mark.parametrize("kind", ["slash_commands", "interactive", "something_new"])
async def test_envelopes_without_events_are_acknowledged_and_ignored(kind: str) -> None:
    async with connected_session() as session:
        sent = session.slack.send_interaction(kind, {"command": "/deploy"})
        await session.slack.wait_for(lambda: sent.state is InteractionState.ACKNOWLEDGED)
        assert sent.response is None
        await session.receives("after")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "reaction_added", "user": "U1", "item": {}},
        {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.2"},
        {"type": "message", "text": "no channel, no timestamp"},
        {"type": "message", "channel": {"id": "C1"}, "ts": 12},
        {"type": "member_joined_channel", "user": "UFLYTE"},
        {"type": ["message"]},
        {},
    ],
)
async def test_useless_events_are_acknowledged_and_ignored(event: dict[str, object]) -> None:
    async with connected_session() as session:
        event_id = session.slack.raw_event(event)
        await session.slack.wait_for(lambda: event_id in session.slack.acknowledged)
        await session.receives("after")


async def test_an_event_rate_limit_is_acknowledged_and_logged() -> None:
    async with connected_session() as session:
        with structlog.testing.capture_logs() as lines:
            body_id = session.slack.raw_body({"type": "app_rate_limited", "minute_rate_limited": 1518467820})
            await session.slack.wait_for(lambda: body_id in session.slack.acknowledged)
        assert {"event": "slack_holds_back_events", "minute": 1518467820, "log_level": "warning"} in lines


async def test_the_loss_of_access_is_reported() -> None:
    async with connected_session() as session:
        session.slack.raw_event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
        session.slack.raw_event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UFLYTE"]}})
        session.slack.raw_event({"type": "app_uninstalled"})
        assert [await session.event(), await session.event()] == [
            AccessLost("tokens_revoked"),
            AccessLost("app_uninstalled"),
        ]


async def test_a_burst_of_events_arrives_completely_and_in_order() -> None:
    async with connected_session() as session:
        for number in range(1_500):
            session.slack_receiver.say(str(number))
        await session.slack.wait_for(lambda: session.slack.counters["deliveries"] == 1_500)

        texts = []
        for _ in range(1_500):
            event = await session.event()
            assert isinstance(event, IncomingMessage)
            texts.append(event.text)

        assert texts == [str(number) for number in range(1_500)]


async def test_no_ticket_token_or_text_is_logged() -> None:
    with structlog.testing.capture_logs() as lines:
        async with connected_session() as session:
            session.slack.faults.plan(faults.HANDSHAKE, faults.http_status(500))
            await session.receives("a secret text")
            session.slack.drop_sockets()
            await session.disconnected()
            await session.clock.settle()
            await session.clock.advance(1)
            await session.disconnected()
    assert lines
    written = repr(lines)
    assert "ticket" not in written
    assert "xoxb" not in written
    assert "xapp" not in written
    assert "secret" not in written


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
