"""What a receiver makes of the frames on its socket, and how it answers them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from adapters.slack.sockets.frames import EventReceived, Frame
from adapters.slack.sockets.socket_mode import SlackSocketMode
from application.ports.receiver import AccessLost, Connected, IncomingEvent
from domain.interactions import BlockAction
from domain.json_values import JsonObject
from domain.messages import IncomingMessage
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.delivery.interaction import InteractionState
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.receiver_sessions import connected_session
from tests.support.slack_receiver import ConnectedReceiver, connect_receiver
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

BLOCK_ACTIONS: JsonObject = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "trigger_id": "1.2",
    "actions": [{"type": "button", "action_id": name, "action_ts": "3.4"} for name in ("a", "b")],
}


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
