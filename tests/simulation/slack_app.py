"""The smallest app that can be connected to Slack, for the tests to look through."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer

WebSocket = aiohttp.ClientWebSocketResponse
Json = dict[str, Any]
PATIENCE_SECONDS = 5.0


def web_client(slack: SlackServer, session: aiohttp.ClientSession, token: str | None = None) -> AsyncWebClient:
    """Make the real SDK's client, with nothing repeated behind the test's back."""
    bot_token = slack.bot_token if token is None else token
    return AsyncWebClient(bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


async def error_of(call: Any) -> Any:
    """Await a call that Slack refuses, and give its error code."""
    try:
        await call
    except SlackApiError as error:
        return error.response["error"]
    raise AssertionError("Slack said yes")


class SlackApp:
    """Opens sockets, takes events, acknowledges them."""

    def __init__(self, slack: SlackServer, session: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._session = session
        self._web = web_client(slack, session)

    async def new_url(self) -> str:
        answer = await self._web.apps_connections_open(app_token=self._slack.app_token)
        return str(answer["url"])

    async def open_socket(self) -> WebSocket:
        """Open a Socket Mode connection and take its hello."""
        socket = await self._session.ws_connect(await self.new_url(), autoping=False)
        assert (await self.frame(socket))["type"] == "hello"
        return socket

    async def open_rtm(self) -> WebSocket:
        """Open an RTM connection and take what it begins with."""
        socket = await self._session.ws_connect((await self._web.rtm_connect())["url"], autoping=False)
        assert (await self.frame(socket))["type"] == "hello"
        assert (await self.frame(socket))["type"] == "reconnect_url"
        return socket

    async def frame(self, socket: WebSocket) -> Json:
        """Take the next frame that is JSON."""
        frame: Json = await socket.receive_json(timeout=PATIENCE_SECONDS)
        return frame

    async def event(self, socket: WebSocket) -> Json:
        """Take the next event and acknowledge it."""
        envelope = await self.frame(socket)
        await self.acknowledge(socket, envelope)
        event: Json = envelope["payload"]["event"]
        return event

    async def acknowledge(self, socket: WebSocket, envelope: Json) -> None:
        await socket.send_json({"envelope_id": envelope["envelope_id"]})

    async def wait_closed(self, socket: WebSocket) -> None:
        """Read until the other end has closed."""
        while (await socket.receive(timeout=PATIENCE_SECONDS)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSING,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            pass
