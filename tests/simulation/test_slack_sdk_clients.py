"""The clients of Slack's own SDK work against the simulated Slack, over real sockets, as they do against Slack."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_sdk.rtm_v2 import RTMClient
from slack_sdk.socket_mode import SocketModeClient as BuiltinSocketModeClient
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json


def answer(web: WebClient, event: Json) -> None:
    """Answers a person's message in its thread."""
    if event.get("type") == "message" and not event.get("bot_id"):
        web.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text=f"you said: {event['text']}")


async def test_a_bot_with_the_threaded_socket_mode_client_answers(slack: SlackServer) -> None:
    talk = slack.add_channel("talk", members=[slack.bot_user_id])
    web = WebClient(slack.bot_token, base_url=slack.api_url)

    def on_request(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        answer(web, request.payload["event"])

    client = BuiltinSocketModeClient(app_token=slack.app_token, web_client=web)
    client.socket_mode_request_listeners.append(on_request)
    await asyncio.to_thread(client.connect)
    try:
        slack.say("alice", talk, "hello")
        await slack.wait_for(lambda: slack.posts and not slack.unacknowledged)
    finally:
        await asyncio.to_thread(client.close)

    assert [post.text for post in slack.posts] == ["you said: hello"]


async def test_a_bot_with_the_asynchronous_socket_mode_client_answers(slack: SlackServer) -> None:
    talk = slack.add_channel("talk", members=[slack.bot_user_id])
    web = AsyncWebClient(slack.bot_token, base_url=slack.api_url)

    async def on_request(client: Any, request: SocketModeRequest) -> None:
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        event = request.payload["event"]
        if event["type"] == "message" and "bot_id" not in event:
            await web.chat_postMessage(channel=event["channel"], text=f"you said: {event['text']}")

    client: Any = SocketModeClient(app_token=slack.app_token, web_client=web)
    client.socket_mode_request_listeners.append(on_request)
    await client.connect()
    try:
        slack.say("alice", talk, "hello")
        await slack.wait_for(lambda: slack.posts and not slack.unacknowledged)
    finally:
        await client.close()

    assert slack.posts[0].text == "you said: hello"


@asynccontextmanager
async def rtm_client(slack: SlackServer) -> AsyncIterator[RTMClient]:
    client = RTMClient(token=slack.bot_token, web_client=WebClient(slack.bot_token, base_url=slack.api_url))
    try:
        yield client
    finally:
        await asyncio.to_thread(stop, client)


def stop(client: Any) -> None:
    """Closes the client and ends its threads, which its own `close` leaves running."""
    client.auto_reconnect_enabled = False
    client.current_session_state.terminated = True
    client.close()
    for runner in (client.current_app_monitor, client.current_session_runner, client.message_processor):
        runner.shutdown()
    client.message_workers.shutdown()


async def test_a_bot_with_the_rtm_client_answers() -> None:
    async with SlackServer(classic=True) as slack:
        slack.add_channel("ops", members=[slack.bot_user_id])
        async with rtm_client(slack) as client:
            client.on("message")(lambda rtm, event: answer(rtm.web_client, event))
            await asyncio.to_thread(client.connect)
            await slack.wait_for(lambda: slack.connections and slack.connections[0].is_ready)
            slack.say("owner", "ops", "hello")
            await slack.wait_for(lambda: slack.posts)
    assert slack.posts[0].text == "you said: hello"


async def test_a_bot_with_the_rtm_client_posts_through_its_socket() -> None:
    async with SlackServer(classic=True) as slack:
        ops = slack.add_channel("ops", members=[slack.bot_user_id])
        message = {"id": 1, "type": "message", "channel": ops, "text": "good morning"}
        async with rtm_client(slack) as client:
            await asyncio.to_thread(client.connect)
            await asyncio.to_thread(client.send, message)
            await slack.wait_for(lambda: slack.posts)
        assert slack.history(ops)[-1]["text"] == "good morning"


@pytest.mark.parametrize("method", ["conversations_list", "users_list", "team_info", "emoji_list", "auth_test"])
async def test_the_synchronous_web_client_reads(method: str, slack: SlackServer) -> None:
    web = WebClient(slack.bot_token, base_url=slack.api_url)
    response = await asyncio.to_thread(getattr(web, method))
    assert response["ok"]
