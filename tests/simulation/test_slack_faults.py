"""Fault injection in the simulated Slack."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
import uvloop
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.faults import Fault, Hang, Late, Reset, Slow
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import SlackApp, error_of


@pytest.fixture(autouse=True)
def _in_ops(slack: SlackServer) -> None:
    slack.workspace.channel("ops").members[slack.bot_user_id] = None


async def post(slack: SlackServer, session: aiohttp.ClientSession) -> tuple[int, str, str, Any]:
    """Posts without a client library; returns status, content type, body and Retry-After."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with session.post(url, json={"channel": "#ops", "text": "hi"}, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text(), answer.headers.get("Retry-After")


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "part"),
    [
        (faults.rate_limited(7), 429, "application/json", "ratelimited"),
        (faults.error("fatal_error", detail=1), 200, "application/json", '"detail": 1'),
        (faults.http_status(500), 500, "text/html", "<html>"),
        (faults.http_status(503), 503, "text/html", "<html>"),
        (faults.malformed_json(), 200, "application/json", '{"ok": true, '),
        (faults.empty_body(), 200, "application/json", ""),
        (faults.plain_text("busy"), 200, "text/plain", "busy"),
    ],
)
async def test_a_canned_response_replaces_the_call(
    fault: Fault, status: int, content_type: str, part: str, slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    slack.faults.plan("chat.postMessage", fault)
    answer = await post(slack, session)
    assert answer[:2] == (status, content_type)
    assert part in answer[2]
    assert answer[3] == ("7" if status == 429 else None)
    assert not slack.posts
    assert (await post(slack, session))[0] == 200
    assert len(slack.posts) == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.error("internal_error", after_effect=True),
        faults.http_status(500, after_effect=True),
        faults.malformed_json(after_effect=True),
        faults.empty_body(after_effect=True),
        faults.plain_text(after_effect=True),
    ],
)
async def test_a_canned_response_can_follow_the_call(
    fault: Fault, slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    slack.faults.plan("chat.postMessage", fault)
    assert '"ok": true, "channel"' not in (await post(slack, session))[2]
    assert len(slack.posts) == 1


@pytest.mark.parametrize(("fault", "posts"), [(Reset(), 0), (Reset(after_effect=True), 1)])
async def test_a_connection_can_be_reset(
    fault: Fault, posts: int, slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    slack.faults.plan("chat.postMessage", fault)
    with pytest.raises(aiohttp.ClientError):
        await post(slack, session)
    assert len(slack.posts) == posts


async def test_a_call_can_hang_without_effect(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("chat.postMessage", Hang())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(post(slack, session), 0.1)
    assert not slack.posts


async def test_a_call_can_hang_after_it_took_effect(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("chat.postMessage", Hang(after_effect=True))
    call = asyncio.ensure_future(post(slack, session))
    await slack.wait_for(lambda: slack.posts)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call, 0.1)
    assert len(slack.posts) == 1


async def test_a_call_can_be_slow_to_take_effect(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("chat.postMessage", Slow(0.1))
    started = time.monotonic()
    assert (await post(slack, session))[0] == 200
    assert slack.posts[0].at - started >= 0.1


async def test_a_call_can_break_off_at_once_and_take_effect_later(
    slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    slack.faults.plan("chat.postMessage", Late(0.2))
    started = time.monotonic()
    with pytest.raises(aiohttp.ClientError):
        await post(slack, session)
    assert time.monotonic() - started < 0.2
    await slack.wait_for(lambda: slack.posts)
    assert slack.posts[0].at - started >= 0.2


async def test_a_response_can_be_slow(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("chat.postMessage", Slow(0.1, after_effect=True))
    assert (await post(slack, session))[0] == 200
    assert time.monotonic() - slack.posts[0].at >= 0.1


async def test_every_call_can_be_delayed(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.conditions.latency_seconds = 0.05
    started = time.monotonic()
    await web.auth_test()
    assert time.monotonic() - started >= 0.05


async def test_a_fault_applies_to_the_planned_number_of_calls(slack: SlackServer, web: AsyncWebClient) -> None:
    planned = slack.faults.plan("auth.test", faults.error("fatal_error"), times=2)
    answers = [await error_of(web.auth_test()) for _ in range(2)]
    assert answers == ["fatal_error", "fatal_error"]
    assert (await web.auth_test())["ok"]
    assert (planned.hits, slack.faults.planned) == (2, [])


async def test_a_fault_can_last_until_it_is_removed(slack: SlackServer, web: AsyncWebClient) -> None:
    planned = slack.faults.plan("*", faults.error("service_unavailable"), times=None)
    for call in (web.auth_test, web.users_list, web.auth_test):
        assert await error_of(call()) == "service_unavailable"
    slack.faults.remove(planned)
    assert (await web.auth_test())["ok"]


async def test_all_faults_can_be_cleared(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.faults.plan("*", faults.error("service_unavailable"), times=None)
    slack.faults.clear()
    assert (await web.auth_test())["ok"]


async def test_a_fault_can_depend_on_the_arguments(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.faults.plan("chat.postMessage", faults.error("fatal_error"), when=lambda call: call["text"] == "two")
    await web.chat_postMessage(channel="#ops", text="one")
    assert await error_of(web.chat_postMessage(channel="#ops", text="two")) == "fatal_error"


async def test_the_oldest_matching_fault_applies_first(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.faults.plan("auth.test", faults.error("first"))
    slack.faults.plan("auth.test", faults.error("second"))
    assert [await error_of(web.auth_test()) for _ in range(2)] == ["first", "second"]


async def test_a_call_with_a_fault_is_logged(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.faults.plan("auth.test", faults.rate_limited(1))
    with pytest.raises(SlackApiError):
        await web.auth_test()
    assert (slack.calls[-1].method, slack.calls[-1].error) == ("auth.test", "rate_limited")
    assert slack.counters["faults"] == 1


async def test_slack_can_go_down_and_come_up_at_the_same_address(
    slack: SlackServer, web: AsyncWebClient, app: SlackApp
) -> None:
    url = slack.api_url
    async with await app.open_socket() as socket:
        await slack.go_down()
        await app.wait_closed(socket)
    with pytest.raises(aiohttp.ClientError):
        await web.auth_test()
    await slack.come_up()
    assert slack.api_url == url
    assert (await web.auth_test())["ok"]


async def test_a_port_in_use_is_reported_at_startup(slack: SlackServer) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        await SlackServer(port=slack.port).__aenter__()


def test_connections_are_also_reset_under_uvloop() -> None:
    async def break_one() -> None:
        async with SlackServer() as slack, aiohttp.ClientSession() as session:
            slack.faults.plan("auth.test", Reset())
            with pytest.raises(aiohttp.ClientError):
                await session.post(f"{slack.api_url}auth.test", timeout=aiohttp.ClientTimeout(total=5))

    uvloop.run(break_one())
