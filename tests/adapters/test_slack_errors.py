import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web as aiohttp_web

from adapters.slack.chat import SlackChat
from adapters.slack.error_help import EXPLANATIONS
from adapters.slack.web_client import SlackWebClient
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from domain.messages import OutgoingMessage
from entrypoints.simulation.faults import CannedResponse, Fault, Hang, Reset
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer

POST = "chat.postMessage"


@dataclass
class Stage:
    slack: SlackServer
    chat: SlackChat
    channel: ChannelId

    async def failure_of_post(self) -> ChatError:
        with pytest.raises(ChatError) as failure:
            await self.chat.post(OutgoingMessage(self.channel, "hello"), None)
        return failure.value

    async def failure_of_question(self) -> ChatError:
        with pytest.raises(ChatError) as failure:
            await self.chat.is_member(self.channel)
        return failure.value


@asynccontextmanager
async def staged(*, timeout_seconds: float = 10) -> AsyncIterator[Stage]:
    async with SlackServer() as slack:
        web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds)
        channel = slack.add_channel("ops", members=(slack.bot_user_id,))
        async with web.open():
            yield Stage(slack, SlackChat(web, SystemClock()), ChannelId(channel))


@asynccontextmanager
async def answering(status: int, body: bytes, headers: dict[str, str]) -> AsyncIterator[SlackChat]:
    """Something at Slack's address that answers always this."""

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
            yield SlackChat(web, SystemClock())
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


def patience_with(fault: Fault) -> float:
    """Seconds: short only where nothing comes anyway."""
    return 0.2 if isinstance(fault, Hang) else 10


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: fault.name)
async def test_a_post_whose_answer_is_lost_is_in_doubt(fault: Fault) -> None:
    async with staged(timeout_seconds=patience_with(fault)) as stage:
        stage.slack.faults.plan(POST, fault)
        assert isinstance(await stage.failure_of_post(), InDoubt)
        assert stage.slack.counters[POST] == 1


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: fault.name)
async def test_a_question_whose_answer_is_lost_may_be_asked_again(fault: Fault) -> None:
    async with staged(timeout_seconds=patience_with(fault)) as stage:
        stage.slack.faults.plan("conversations.info", fault)
        assert isinstance(await stage.failure_of_question(), Unreachable)


@pytest.mark.parametrize("fault", REFUSALS_FOR_NOW, ids=lambda fault: fault.name)
async def test_a_post_that_certainly_did_not_happen_may_be_tried_again(fault: Fault) -> None:
    async with staged() as stage:
        stage.slack.faults.plan(POST, fault)
        assert isinstance(await stage.failure_of_post(), Unreachable)


@pytest.mark.parametrize("fault", [faults.rate_limited(7), faults.error("rate_limited"), faults.error("ratelimited")])
async def test_throttling_tells_how_long_to_wait(fault: CannedResponse) -> None:
    async with staged() as stage:
        stage.slack.faults.plan(POST, fault)
        failure = await stage.failure_of_post()
        assert isinstance(failure, RateLimited)
        assert failure.retry_after_seconds == (7 if fault.status == 429 else 1)


@pytest.mark.parametrize("told", ["", "soon", "nan", "inf", "-3", "0", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_waiting_time_that_can_not_be_read_is_a_second(told: str) -> None:
    async with answering(429, b"", {"Retry-After": told}) as chat:
        with pytest.raises(RateLimited) as failure:
            await chat.identify()
        assert failure.value.retry_after_seconds == 1


async def test_no_slack_at_all_is_unreachable() -> None:
    async with staged() as stage:
        await stage.slack.go_down()
        failure = await stage.failure_of_post()
        assert isinstance(failure, Unreachable)
        assert str(failure) == "unreachable: Slack can't be reached: no connection (connection refused)"


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    web = SlackWebClient("http://slack.invalid/api/", "xoxb-1")
    async with web.open():
        with pytest.raises(Unreachable):
            await SlackChat(web, SystemClock()).post(OutgoingMessage(ChannelId("C1"), "hello"), None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirected_post_did_not_happen_and_the_address_is_named(status: int) -> None:
    async with answering(status, b"", {"Location": "http://127.0.0.1:9/api/"}) as chat:
        with pytest.raises(Unreachable) as failure:
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert failure.value.code == "redirected"
        assert "FLYTE_SLACK_API_URL" in failure.value.explanation


@pytest.mark.parametrize(
    "body",
    [b"[]", b'"ok"', b"null", b"true", b'{"ok": true}', b'{"ok": true, "ts": 7}', b"\xff", b'{"ok":1}', b"[" * 100_000],
)
async def test_a_yes_that_can_not_be_read_is_in_doubt(body: bytes) -> None:
    async with answering(200, body, {"Content-Type": "application/json"}) as chat:
        with pytest.raises(InDoubt) as failure:
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        assert failure.value.code == "unreadable_answer"


@pytest.mark.parametrize("status", [404, 405, 410, 413])
async def test_a_post_that_is_too_large_or_goes_nowhere_is_refused(status: int) -> None:
    async with answering(status, b"", {}) as chat:
        with pytest.raises(ChatRejected):
            await chat.post(OutgoingMessage(ChannelId("C1"), "hello"), None)


@pytest.mark.parametrize(
    "code",
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"],
)
async def test_trouble_with_the_token_is_told_apart_and_names_its_variable(code: str) -> None:
    async with staged() as stage:
        stage.slack.faults.plan(POST, faults.error(code))
        failure = await stage.failure_of_post()
        assert isinstance(failure, AuthenticationFailed)
        assert "FLYTE_SLACK_TOKEN" in str(failure)


async def test_a_missing_scope_names_what_is_needed_and_what_there_is() -> None:
    async with staged() as stage:
        fault = faults.error("missing_scope", needed="chat:write:bot", provided="identify,channels:read")
        stage.slack.faults.plan(POST, fault)
        assert str(await stage.failure_of_post()) == (
            "missing_scope: the token lacks the scope chat:write:bot (it has: identify, channels:read); "
            "add it to the app, reinstall the app, and use the new token"
        )


async def test_a_code_that_nobody_knows_is_permanent_and_points_to_the_documentation() -> None:
    async with staged() as stage:
        stage.slack.faults.plan(POST, faults.error("brand_new_code"))
        failure = await stage.failure_of_post()
        assert isinstance(failure, ChatRejected)
        assert not isinstance(failure, AuthenticationFailed)
        assert str(failure) == (
            "brand_new_code: see the errors of chat.postMessage "
            "at https://docs.slack.dev/reference/methods/chat.postMessage"
        )


async def test_a_code_of_any_length_and_content_is_cut() -> None:
    async with staged() as stage:
        stage.slack.faults.plan(POST, faults.error("{x}\ud800" + "y" * 10_000))
        failure = await stage.failure_of_post()
        assert isinstance(failure, ChatRejected)
        assert len(failure.code) == 100
        assert failure.code.startswith("{x}\ufffdyyy")


@pytest.mark.parametrize("code", EXPLANATIONS)
async def test_every_explanation_can_be_written(code: str) -> None:
    filled = EXPLANATIONS[code].format(subject="C1", method="m", token="T", needed="a", provided="b")
    assert "{" not in filled
    assert not filled.endswith(".")


async def test_a_session_that_is_not_open_is_unreachable() -> None:
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    with pytest.raises(Unreachable):
        await SlackChat(web, SystemClock()).identify()
    with pytest.raises(Unreachable):
        await web.connect("ws://127.0.0.1:1/")


async def test_cancelling_a_post_closes_its_connection() -> None:
    async with staged(timeout_seconds=30) as stage:
        stage.slack.faults.plan(POST, Hang())
        post = asyncio.create_task(stage.chat.post(OutgoingMessage(stage.channel, "hello"), None), name="post")
        await stage.slack.wait_for(lambda: stage.slack.counters["faults"])
        post.cancel()
        await asyncio.wait([post])
        assert post.cancelled()
