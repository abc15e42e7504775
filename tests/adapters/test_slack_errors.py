import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial

import pytest
from aiohttp import web as aiohttp_web

from adapters.slack.chat import SlackChat
from adapters.slack.error_help import EXPLANATIONS
from adapters.slack.response import MAX_BODY_BYTES
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from domain.messages import OutgoingMessage, Receipt
from entrypoints.simulation.faults import CannedResponse, Fault, Hang, Reset
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer

POST = "chat.postMessage"


@dataclass
class Environment:
    slack: SlackServer
    chat: SlackChat
    channel: ChannelId

    async def post_error(self) -> ChatError:
        with pytest.raises(ChatError) as failure:
            await self.chat.post(OutgoingMessage(self.channel, "hello"), None)
        return failure.value

    async def query_error(self) -> ChatError:
        with pytest.raises(ChatError) as failure:
            await self.chat.is_member(self.channel)
        return failure.value


@asynccontextmanager
async def slack_environment(*, timeout_seconds: float = 10) -> AsyncIterator[Environment]:
    async with SlackServer() as slack:
        web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds)
        channel = slack.add_channel("ops", members=(slack.bot_user_id,))
        async with web.open():
            yield Environment(slack, SlackChat(web), ChannelId(channel))


@asynccontextmanager
async def responding(status: int, body: bytes, headers: dict[str, str]) -> AsyncIterator[SlackChat]:
    """A server in place of Slack that always responds with this."""

    async def answer(_request: aiohttp_web.Request) -> aiohttp_web.Response:
        return aiohttp_web.Response(status=status, body=body, headers=headers)

    application = aiohttp_web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = aiohttp_web.AppRunner(application, access_log=None)
    await runner.setup()
    site = aiohttp_web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    web = SlackWebClient(f"http://127.0.0.1:{runner.addresses[0][1]}/api/", "xoxb-1")
    try:
        async with web.open():
            yield SlackChat(web)
    finally:
        await runner.cleanup()


LOST_ANSWERS = [
    faults.error("internal_error"),
    faults.error("fatal_error", after_effect=True),
    faults.http_status(500),
    faults.http_status(502),
    faults.http_status(504),
    Hang(),
    Hang(after_effect=True),
    Reset(),
    Reset(after_effect=True),
    faults.malformed_json(after_effect=True),
    faults.empty_body(),
    faults.plain_text(),
    faults.error(""),
]
REFUSALS_FOR_NOW = [
    faults.error("service_unavailable"),
    faults.error("request_timeout"),
    faults.error("team_added_to_org"),
    faults.http_status(503),
    faults.http_status(403),
    faults.http_status(403),
]


def timeout_for(fault: Fault) -> float:
    """Returns a short timeout for faults without a response."""
    return 0.2 if isinstance(fault, Hang) else 10


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: fault.name)
async def test_a_post_with_a_lost_response_is_in_doubt(fault: Fault) -> None:
    async with slack_environment(timeout_seconds=timeout_for(fault)) as environment:
        environment.slack.faults.plan(POST, fault)
        assert isinstance(await environment.post_error(), InDoubt)
        assert environment.slack.counters[POST] == 1


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: fault.name)
async def test_a_query_with_a_lost_response_can_be_repeated(fault: Fault) -> None:
    async with slack_environment(timeout_seconds=timeout_for(fault)) as environment:
        environment.slack.faults.plan("conversations.info", fault)
        assert isinstance(await environment.query_error(), Unreachable)


@pytest.mark.parametrize("fault", REFUSALS_FOR_NOW, ids=lambda fault: fault.name)
async def test_a_post_without_effect_can_be_repeated(fault: Fault) -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, fault)
        assert isinstance(await environment.post_error(), Unreachable)


@pytest.mark.parametrize("fault", [faults.rate_limited(7), faults.error("rate_limited"), faults.error("ratelimited")])
async def test_a_rate_limit_has_the_time_to_wait(fault: CannedResponse) -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, fault)
        failure = await environment.post_error()
        assert isinstance(failure, RateLimited)
        assert failure.retry_after_seconds == (7 if fault.status == 429 else 1)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "1e300"}, {}, 3600),
        ({"Retry-After": "30"}, {"retry_after": 60}, 30),
        ({"Retry-After": "soon"}, {"retry_after": 60}, 60),
        ({}, {"retry_after": 60}, 60),
        ({}, {"retry_after": "60"}, 60),
        ({}, {"retry_after": 1.5}, 1.5),
        ({}, {"retry_after": None}, 1),
        ({}, {}, 1),
    ],
)
async def test_the_time_to_wait_is_in_the_header_or_in_the_body(
    headers: dict[str, str], body: dict[str, object], seconds: float
) -> None:
    content = json.dumps({"ok": False, "error": "ratelimited", **body}).encode()
    async with responding(429, content, {"Content-Type": "application/json", **headers}) as chat:
        with pytest.raises(RateLimited) as failure:
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert failure.value.retry_after_seconds == seconds


async def test_a_time_of_day_to_wait_for_is_by_slack_s_clock() -> None:
    slack_time = datetime(2026, 1, 1, tzinfo=UTC)
    headers = {
        "Date": format_datetime(slack_time, usegmt=True),
        "Retry-After": str(int(slack_time.timestamp()) + 30),
    }
    async with responding(429, b"", headers) as chat:
        with pytest.raises(RateLimited) as failure:
            await chat.identify()
        assert failure.value.retry_after_seconds == pytest.approx(30, abs=1)


async def test_a_slack_that_is_down_is_unreachable() -> None:
    async with slack_environment() as environment:
        await environment.slack.go_down()
        failure = await environment.post_error()
        assert isinstance(failure, Unreachable)
        assert str(failure) == "unreachable: Slack can't be reached: no connection (connection refused)"


async def test_an_unresolvable_host_is_unreachable() -> None:
    web = SlackWebClient("http://slack.invalid/api/", "xoxb-1")
    async with web.open():
        with pytest.raises(Unreachable):
            await SlackChat(web).post(OutgoingMessage(ChannelId("C1"), "hello"), None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirected_post_has_no_effect_and_names_the_variable(status: int) -> None:
    async with responding(status, b"", {"Location": "http://127.0.0.1:9/api/"}) as chat:
        with pytest.raises(Unreachable) as failure:
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert failure.value.code == "redirected"
        assert "FLYTE_SLACK_API_URL" in failure.value.explanation


@pytest.mark.parametrize(
    "body",
    [b"[]", b'"ok"', b"null", b"true", b'{"ok": true}', b'{"ok": true, "ts": 7}', b"\xff", b'{"ok":1}', b"[" * 100_000],
)
async def test_an_unreadable_success_is_in_doubt(body: bytes) -> None:
    async with responding(200, body, {"Content-Type": "application/json"}) as chat:
        with pytest.raises(InDoubt) as failure:
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert failure.value.code == "unreadable_answer"


_POSTED = b'{"ok": true, "channel": "C1", "ts": "1.2", "more": %s}'


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (_POSTED % (b"9" * 5000), {}),
        (_POSTED % b"-1e999", {}),
        (_POSTED % (b"[" * 50_000 + b"]" * 50_000), {}),
        (_POSTED % b'"\xff\xfe"', {}),
        (_POSTED % b'"\\ud800"', {}),
        (_POSTED % b"1", {"Content-Type": "application/json; charset=rot13"}),
        (_POSTED % b"1", {"Content-Type": "application/json; charset=no-such-charset"}),
        (_POSTED % b"1", {"Content-Type": "text/html"}),
        (_POSTED % b"1", {"Content-Type": ";;;"}),
        (b"\xef\xbb\xbf" + _POSTED % b"1", {}),
    ],
    ids=["integer", "infinity", "depth", "bytes", "surrogate", "rot13", "charset", "html", "type", "mark"],
)
async def test_a_success_that_is_odd_elsewhere_is_a_success(body: bytes, headers: dict[str, str]) -> None:
    async with responding(200, body, {"Content-Type": "application/json"} | headers) as chat:
        receipt = await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert receipt == Receipt(ChannelId("C1"), "1.2")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"ok": true, "channel"', {}),
        (b"not gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b'{"ok": true')[:-4], {"Content-Encoding": "gzip"}),
        (_POSTED % b"1", {"Content-Type": "text/plain"}),
        (_POSTED % b"1", {"Content-Type": "application/gzip"}),
        (_POSTED % b"1", {"Content-Type": "text/plain; charset=rot13"}),
        (b'{"ok": true, "ts": "' + b"1" * MAX_BODY_BYTES + b'"}', {}),
        (gzip.compress(b" " * (2 * MAX_BODY_BYTES), compresslevel=1), {"Content-Encoding": "gzip"}),
    ],
    ids=["truncated", "no gzip", "broken gzip", "text", "archive", "rot13", "large", "bomb"],
)
async def test_an_answer_that_can_not_be_decoded_is_lost(body: bytes, headers: dict[str, str]) -> None:
    async with responding(200, body, {"Content-Type": "application/json"} | headers) as chat:
        with pytest.raises(InDoubt):
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        for query in (chat.identify, chat.memberships, partial(chat.look_up, "U1")):
            with pytest.raises(Unreachable):
                await query()


@pytest.mark.parametrize("status", [404, 405, 410, 413])
async def test_a_post_that_is_too_large_or_goes_to_a_wrong_url_is_rejected(status: int) -> None:
    async with responding(status, b"", {}) as chat:
        with pytest.raises(ChatRejected):
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)


@pytest.mark.parametrize(
    "code",
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"],
)
async def test_a_token_error_is_an_authentication_failure_and_names_the_variable(code: str) -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, faults.error(code))
        failure = await environment.post_error()
        assert isinstance(failure, AuthenticationFailed)
        assert "FLYTE_SLACK_TOKEN" in str(failure)


async def test_a_missing_scope_names_needed_and_provided_scopes() -> None:
    async with slack_environment() as environment:
        fault = faults.error("missing_scope", needed="chat:write:bot", provided="identify,channels:read")
        environment.slack.faults.plan(POST, fault)
        assert str(await environment.post_error()) == (
            "missing_scope: the token lacks the scope chat:write:bot (it has: identify, channels:read); "
            "add it to the app, reinstall the app, and use the new token"
        )


async def test_a_missing_scope_may_be_unnamed() -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, faults.error("missing_scope"))
        assert str(await environment.post_error()) == (
            "missing_scope: the token lacks a scope, which Slack does not name; "
            "add it to the app, reinstall the app, and use the new token"
        )


async def test_an_unknown_code_is_permanent_and_links_to_the_documentation() -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, faults.error("brand_new_code"))
        failure = await environment.post_error()
        assert isinstance(failure, ChatRejected)
        assert not isinstance(failure, AuthenticationFailed)
        assert str(failure) == (
            "brand_new_code: see the errors of chat.postMessage "
            "at https://docs.slack.dev/reference/methods/chat.postMessage"
        )


async def test_a_long_code_is_truncated() -> None:
    async with slack_environment() as environment:
        environment.slack.faults.plan(POST, faults.error("{x}\ud800" + "y" * 10_000))
        failure = await environment.post_error()
        assert isinstance(failure, ChatRejected)
        assert len(failure.code) == 100
        assert failure.code.startswith("{x}\ufffdyyy")


@pytest.mark.parametrize("code", EXPLANATIONS)
async def test_every_explanation_can_be_formatted(code: str) -> None:
    filled = EXPLANATIONS[code].format(subject="C1", method="m", token="T", scope="a scope")
    assert "{" not in filled
    assert not filled.endswith(".")


async def test_a_session_that_is_not_open_is_unreachable() -> None:
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    with pytest.raises(Unreachable):
        await SlackChat(web).identify()
    with pytest.raises(Unreachable):
        await web.connect("ws://127.0.0.1:1/")


async def test_cancelling_a_post_closes_its_connection() -> None:
    async with slack_environment(timeout_seconds=30) as environment:
        environment.slack.faults.plan(POST, Hang())
        post = asyncio.create_task(
            environment.chat.post(OutgoingMessage(environment.channel, "hello"), None), name="post"
        )
        await environment.slack.wait_for(lambda: environment.slack.counters["faults"])
        post.cancel()
        await asyncio.wait([post])
        assert post.cancelled()
