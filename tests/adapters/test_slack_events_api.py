import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
import structlog

from adapters.slack.events_api import SlackEventsApi
from adapters.slack.sockets.arrival_queue import HANDOVER_SIZE
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from domain.errors import AuthenticationFailed, Unreachable
from domain.interactions import BlockAction, SlashCommand
from domain.json_values import Json
from domain.messages import IncomingMessage
from domain.users import Identity
from tests.contracts.receiver_contract import next_event
from tests.support.virtual_time import SteppedClock, TestTime

pytestmark = pytest.mark.virtual_time

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MESSAGE: Json = {
    "type": "event_callback",
    "event_id": "Ev1",
    "event": {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1.2"},
}


class Endpoint:
    """An Events API receiver with signed requests."""

    def __init__(self, *failures: Exception, ack_timeout_seconds: float = 5.0, command_reply: str = "") -> None:
        self.clock = TestTime()
        self.own_clock = SteppedClock(self.clock)
        self._failures = list(failures)
        self.receiver = SlackEventsApi(
            SECRET,
            self._identify,
            self.own_clock,
            ack_timeout_seconds,
            slack_now=self.clock.now,
            command_reply=command_reply,
        )

    async def _identify(self) -> Identity:
        if self._failures:
            raise self._failures.pop(0)
        return Identity("UFLYTE", "BFLYTE")

    def signed(self, body: bytes, age_seconds: int = 0) -> dict[str, str]:
        timestamp = str(int(self.clock.now().timestamp()) - age_seconds)
        digest = hmac.new(SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def post(self, content: Json) -> int:
        body = json.dumps(content).encode()
        status, _ = await self.receiver.handle_request(self.signed(body), body)
        return status

    async def post_form(self, **fields: str) -> tuple[int, object]:
        body = urlencode(fields).encode()
        return await self.receiver.handle_request(self.signed(body), body)


@asynccontextmanager
async def open_endpoint(
    ack_timeout_seconds: float = 5.0, command_reply: str = ""
) -> AsyncIterator[tuple[Endpoint, AsyncIterator[IncomingEvent]]]:
    endpoint = Endpoint(ack_timeout_seconds=ack_timeout_seconds, command_reply=command_reply)
    async with endpoint.receiver.events() as events:
        assert (await next_event(events)).event == Connected(None)
        yield endpoint, events


async def test_a_request_is_answered_after_its_event_is_acknowledged() -> None:
    async with open_endpoint() as (endpoint, events):
        request = asyncio.create_task(endpoint.post(MESSAGE), name="request")
        event = await next_event(events)
        assert isinstance(event.event, IncomingMessage)
        assert not request.done()

        await event.acknowledge()

        assert await request == 200


async def test_a_request_whose_event_is_not_acknowledged_in_time_gets_503() -> None:
    async with open_endpoint(ack_timeout_seconds=0.05) as (endpoint, events):
        assert await endpoint.post(MESSAGE) == 503
        event = await next_event(events)
        await event.acknowledge()


async def test_requests_pending_at_the_end_get_503() -> None:
    async with open_endpoint() as (endpoint, events):
        request = asyncio.create_task(endpoint.post(MESSAGE), name="request")
        await next_event(events)
    assert await request == 503
    assert await endpoint.post(MESSAGE) == 503


@pytest.mark.parametrize(
    "content",
    [
        {"type": "event_callback", "event": {"type": "reaction_added"}},
        {"type": "event_callback", "event": {"type": "message", "subtype": "message_changed"}},
        {"type": "event_callback", "event": {"type": "message"}},
        {"type": "event_callback"},
        {"type": "app_rate_limited", "minute_rate_limited": 1518467820},
        {"type": "of_tomorrow"},
        [],
        None,
    ],
)
async def test_signed_requests_without_a_useful_event_are_accepted(content: Json) -> None:
    async with open_endpoint() as (endpoint, _):
        assert await endpoint.post(content) == 200


CLICK: Json = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "trigger_id": "1.2",
    "actions": [{"type": "button", "action_id": name, "action_ts": "3.4"} for name in ("a", "b")],
}
COMMAND = {"command": "/deploy", "text": "ä & b=c", "user_id": "U1", "trigger_id": "1.2", "channel_id": "C1"}


async def test_a_form_is_answered_once_all_its_events_are_acknowledged() -> None:
    async with open_endpoint() as (endpoint, events):
        request = asyncio.create_task(endpoint.post_form(payload=json.dumps(CLICK)), name="request")
        for name in ("a", "b"):
            assert not request.done()
            event = await next_event(events)
            assert isinstance(event.event, BlockAction)
            assert event.event.action_id == name
            await event.acknowledge()
        assert await request == (200, "")


@pytest.mark.parametrize(("reply", "response"), [("", ""), ("On it!", {"text": "On it!"})])
async def test_a_slash_command_is_answered_with_the_reply(reply: str, response: object) -> None:
    async with open_endpoint(command_reply=reply) as (endpoint, events):
        request = asyncio.create_task(endpoint.post_form(**COMMAND), name="request")
        event = await next_event(events)
        assert isinstance(event.event, SlashCommand)
        assert (event.event.command, event.event.text) == ("/deploy", "ä & b=c")
        await event.acknowledge()
        assert await request == (200, response)


async def test_an_interaction_that_is_not_acknowledged_in_time_gets_503() -> None:
    async with open_endpoint(ack_timeout_seconds=2.5) as (endpoint, _):
        began_at = endpoint.clock.now()
        assert (await endpoint.post_form(**COMMAND))[0] == 503
        assert 2.5 <= (endpoint.clock.now() - began_at).total_seconds() < 3


async def test_an_interaction_that_is_stored_at_the_last_moment_is_accepted() -> None:
    async with open_endpoint(ack_timeout_seconds=2.5) as (endpoint, events):
        request = asyncio.create_task(endpoint.post_form(**COMMAND), name="request")
        event = await next_event(events)
        await endpoint.clock.advance(2.6)
        await event.acknowledge()
        assert (await request)[0] == 200


async def test_an_interaction_overtakes_messages_for_which_there_is_no_room() -> None:
    async with open_endpoint() as (endpoint, events), asyncio.TaskGroup() as tasks:
        for number in range(2 * HANDOVER_SIZE):
            tasks.create_task(endpoint.post(MESSAGE), name=f"message {number}")
        tasks.create_task(endpoint.post_form(**COMMAND), name="command")
        await asyncio.sleep(0)
        received = [await next_event(events) for _ in range(2 * HANDOVER_SIZE + 1)]
        assert isinstance(received[0].event, SlashCommand)
        for event in received:
            await event.acknowledge()


@pytest.mark.parametrize(
    "form",
    [
        {"ssl_check": "1", "token": "x"},
        {"payload": "{"},
        {"payload": "null"},
        {"payload": '{"type": "block_actions"}'},
        {"payload": '{"type": "interactive_message", "user": {"id": "U1"}}'},
        {"payload": ""},
        {"command": "/deploy"},
        {"challenge": "x"},
        {f"field{number}": "x" for number in range(1000)},
        {"payload": "[" * 100_000},
    ],
)
async def test_forms_without_a_use_are_accepted(form: dict[str, str]) -> None:
    async with open_endpoint() as (endpoint, _):
        assert await endpoint.post_form(**form) == (200, "")


async def test_a_request_for_options_gets_none() -> None:
    async with open_endpoint() as (endpoint, _):
        payload = json.dumps({"type": "block_suggestion", "user": {"id": "U1"}, "value": "a"})
        assert await endpoint.post_form(payload=payload) == (200, {"options": []})


@pytest.mark.parametrize("headers", [{}, {"X-Slack-Request-Timestamp": "1767225600", "X-Slack-Signature": "v0=00"}])
async def test_an_unsigned_form_is_refused(headers: dict[str, str]) -> None:
    async with open_endpoint() as (endpoint, _):
        assert (await endpoint.receiver.handle_request(headers, urlencode(COMMAND).encode()))[0] == 401


async def test_a_replayed_form_is_refused() -> None:
    async with open_endpoint() as (endpoint, _):
        body = urlencode(COMMAND).encode()
        assert (await endpoint.receiver.handle_request(endpoint.signed(body, age_seconds=301), body))[0] == 401


async def test_the_challenge_is_answered_before_events_are_received() -> None:
    endpoint = Endpoint()
    body = b'{"type": "url_verification", "challenge": "abc", "token": "x"}'
    assert await endpoint.receiver.handle_request(endpoint.signed(body), body) == (200, "abc")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "1767225600"},
        {"X-Slack-Request-Timestamp": "1767225600", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "1767225600", "X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": "yesterday", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "9" * 10_000, "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "", "X-Slack-Signature": ""},
    ],
)
async def test_unsigned_requests_are_rejected_before_they_are_parsed(headers: dict[str, str]) -> None:
    async with open_endpoint() as (endpoint, _):
        with structlog.testing.capture_logs() as lines:
            status, _ = await endpoint.receiver.handle_request(headers, json.dumps(MESSAGE).encode())
        assert status == 401
        assert [line["event"] for line in lines] == ["slack_request_refused"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "1767225600"},
        {"X-Slack-Request-Timestamp": "1767225600", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "yesterday", "X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "9" * 10_000, "X-Slack-Signature": "v0=" + "0" * 64},
    ],
)
async def test_headers_of_unsigned_requests_are_enough_to_refuse_them(headers: dict[str, str]) -> None:
    with structlog.testing.capture_logs() as lines:
        assert (Endpoint().receiver.refuse(headers) or (0, ""))[0] == 401
    assert [line["event"] for line in lines] == ["slack_request_refused"]


@pytest.mark.parametrize(("age_seconds", "refused"), [(299, False), (301, True), (-299, False), (-301, True)])
async def test_headers_out_of_the_window_are_enough_to_refuse_a_request(age_seconds: int, *, refused: bool) -> None:
    endpoint = Endpoint()
    assert (endpoint.receiver.refuse(endpoint.signed(b"", age_seconds)) is not None) == refused


async def test_a_body_that_is_not_utf_8_is_rejected() -> None:
    async with open_endpoint() as (endpoint, _):
        body = b"\xff\xfe"
        assert (await endpoint.receiver.handle_request(endpoint.signed(body), body))[0] == 401


async def test_a_changed_body_is_rejected() -> None:
    async with open_endpoint() as (endpoint, _):
        body = json.dumps(MESSAGE).encode()
        assert (await endpoint.receiver.handle_request(endpoint.signed(body), body + b" "))[0] == 401


@pytest.mark.parametrize("our_error_seconds", [360, -360, 86400])
async def test_a_request_is_valid_by_slack_s_time_whatever_our_clock_says(our_error_seconds: int) -> None:
    endpoint, body = Endpoint(), b'{"type": "url_verification", "challenge": "x"}'
    endpoint.own_clock.step(our_error_seconds)
    assert (await endpoint.receiver.handle_request(endpoint.signed(body), body))[0] == 200


@pytest.mark.parametrize(("age_seconds", "status"), [(299, 200), (301, 401), (-299, 200), (-301, 401)])
async def test_a_request_is_valid_for_five_minutes(age_seconds: int, status: int) -> None:
    endpoint = Endpoint()
    body = b'{"type": "url_verification", "challenge": "abc"}'
    assert (await endpoint.receiver.handle_request(endpoint.signed(body, age_seconds), body))[0] == status


async def test_header_names_are_case_insensitive() -> None:
    endpoint = Endpoint()
    body = b'{"type": "url_verification", "challenge": "abc"}'
    headers = {name.lower(): value for name, value in endpoint.signed(body).items()}
    assert await endpoint.receiver.handle_request(headers, body) == (200, "abc")


async def test_requests_get_503_until_the_pack_knows_its_identity() -> None:
    endpoint = Endpoint(Unreachable("unreachable", "no connection"), Unreachable("unreachable", "no connection"))
    async with endpoint.receiver.events() as events:
        assert (await next_event(events)).event == Disconnected("unreachable: no connection")
        assert await endpoint.post(MESSAGE) == 503
        await endpoint.clock.advance(10)
        assert (await next_event(events)).event == Connected(None)


async def test_a_rejected_token_ends_the_iteration() -> None:
    endpoint = Endpoint(AuthenticationFailed("invalid_auth", "no"))
    async with endpoint.receiver.events() as events:
        with pytest.raises(AuthenticationFailed):
            await next_event(events)
        assert await endpoint.post(MESSAGE) == 503


async def test_a_bug_in_identifying_the_pack_ends_the_iteration_instead_of_leaving_it_waiting_forever() -> None:
    endpoint = Endpoint(RuntimeError("a bug"))
    async with endpoint.receiver.events() as events:
        with pytest.raises(RuntimeError, match="a bug"):
            await next_event(events)
