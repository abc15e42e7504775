import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from adapters.memory.clock import MemoryClock
from adapters.slack.events_api import SlackEventsApi
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from domain.errors import AuthenticationFailed, ChatError, Unreachable
from domain.json_values import Json
from domain.messages import IncomingMessage
from domain.users import Identity
from tests.contracts.receiver_contract import next_event

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MESSAGE: Json = {
    "type": "event_callback",
    "event_id": "Ev1",
    "event": {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1.2"},
}


class Desk:
    """Where requests come in."""

    def __init__(self, *failures: ChatError, patience_seconds: float = 5.0) -> None:
        self.clock = MemoryClock()
        self._failures = list(failures)
        self.receiver = SlackEventsApi(SECRET, self._identify, self.clock, patience_seconds)

    async def _identify(self) -> Identity:
        if self._failures:
            raise self._failures.pop(0)
        return Identity("UFLYTE", "BFLYTE")

    def signed(self, body: bytes, age_seconds: int = 0) -> dict[str, str]:
        timestamp = str(int(self.clock.now().timestamp()) - age_seconds)
        digest = hmac.new(SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def receive(self, content: Json) -> int:
        body = json.dumps(content).encode()
        status, _ = await self.receiver.handle_request(self.signed(body), body)
        return status


@asynccontextmanager
async def open_desk(patience_seconds: float = 5.0) -> AsyncIterator[tuple[Desk, AsyncIterator[IncomingEvent]]]:
    desk = Desk(patience_seconds=patience_seconds)
    async with desk.receiver.events() as arrivals:
        assert (await next_event(arrivals)).event == Connected(None)
        yield desk, arrivals


async def test_a_request_is_answered_when_its_arrival_is_safe() -> None:
    async with open_desk() as (desk, arrivals):
        request = asyncio.create_task(desk.receive(MESSAGE), name="request")
        arrival = await next_event(arrivals)
        assert isinstance(arrival.event, IncomingMessage)
        assert not request.done()

        await arrival.acknowledge()

        assert await request == 200


async def test_a_request_whose_arrival_is_not_safe_in_time_is_to_be_sent_again() -> None:
    async with open_desk(patience_seconds=0.05) as (desk, arrivals):
        assert await desk.receive(MESSAGE) == 503
        arrival = await next_event(arrivals)
        await arrival.acknowledge()


async def test_requests_that_wait_when_the_listening_ends_are_to_be_sent_again() -> None:
    async with open_desk() as (desk, arrivals):
        request = asyncio.create_task(desk.receive(MESSAGE), name="request")
        await next_event(arrivals)
    assert await request == 503
    assert await desk.receive(MESSAGE) == 503


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
async def test_what_is_signed_but_of_no_use_is_taken(content: Json) -> None:
    async with open_desk() as (desk, _):
        assert await desk.receive(content) == 200


async def test_a_signed_form_is_taken_and_ignored() -> None:
    async with open_desk() as (desk, _):
        body = b"payload=%7B%22type%22%3A%22block_actions%22%7D"
        assert await desk.receiver.handle_request(desk.signed(body), body) == (200, "")


async def test_the_challenge_is_answered_even_before_anybody_listens() -> None:
    desk = Desk()
    body = b'{"type": "url_verification", "challenge": "abc", "token": "x"}'
    assert await desk.receiver.handle_request(desk.signed(body), body) == (200, "abc")


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
async def test_what_is_not_signed_is_refused_before_it_is_read(headers: dict[str, str]) -> None:
    async with open_desk() as (desk, _):
        with structlog.testing.capture_logs() as lines:
            status, _ = await desk.receiver.handle_request(headers, json.dumps(MESSAGE).encode())
        assert status == 401
        assert [line["event"] for line in lines] == ["slack_request_refused"]


async def test_a_body_that_is_no_text_is_refused() -> None:
    async with open_desk() as (desk, _):
        body = b"\xff\xfe"
        assert (await desk.receiver.handle_request(desk.signed(body), body))[0] == 401


async def test_a_changed_body_is_refused() -> None:
    async with open_desk() as (desk, _):
        body = json.dumps(MESSAGE).encode()
        assert (await desk.receiver.handle_request(desk.signed(body), body + b" "))[0] == 401


@pytest.mark.parametrize(("age_seconds", "status"), [(299, 200), (301, 401), (-299, 200), (-301, 401)])
async def test_a_request_is_good_for_five_minutes(age_seconds: int, status: int) -> None:
    desk = Desk()
    body = b'{"type": "url_verification", "challenge": "abc"}'
    assert (await desk.receiver.handle_request(desk.signed(body, age_seconds), body))[0] == status


async def test_header_names_may_be_in_any_case() -> None:
    desk = Desk()
    body = b'{"type": "url_verification", "challenge": "abc"}'
    headers = {name.lower(): value for name, value in desk.signed(body).items()}
    assert await desk.receiver.handle_request(headers, body) == (200, "abc")


async def test_until_the_pack_knows_who_it_is_requests_are_to_be_sent_again() -> None:
    desk = Desk(Unreachable("unreachable", "no connection"), Unreachable("unreachable", "no connection"))
    async with desk.receiver.events() as arrivals:
        assert (await next_event(arrivals)).event == Disconnected("unreachable: no connection")
        assert await desk.receive(MESSAGE) == 503
        await desk.clock.advance(10)
        assert (await next_event(arrivals)).event == Connected(None)


async def test_a_token_that_is_refused_ends_the_listening() -> None:
    desk = Desk(AuthenticationFailed("invalid_auth", "no"))
    async with desk.receiver.events() as arrivals:
        with pytest.raises(AuthenticationFailed):
            await next_event(arrivals)
        assert await desk.receive(MESSAGE) == 503
