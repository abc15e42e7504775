"""A minimal Slack app for tests."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer

WebSocket = aiohttp.ClientWebSocketResponse
Json = dict[str, Any]
TIMEOUT_SECONDS = 5.0


def web_client(slack: SlackServer, session: aiohttp.ClientSession, token: str | None = None) -> AsyncWebClient:
    """Returns the SDK's client, without its own retries."""
    bot_token = slack.bot_token if token is None else token
    return AsyncWebClient(bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


async def error_of(call: Any) -> Any:
    """Awaits a call that fails, and returns its error code."""
    try:
        await call
    except SlackApiError as error:
        return error.response["error"]
    raise AssertionError("the call succeeded")


class SlackApp:
    """Opens sockets, and receives and acknowledges events."""

    def __init__(self, slack: SlackServer, session: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._session = session
        self._web = web_client(slack, session)

    async def new_url(self) -> str:
        answer = await self._web.apps_connections_open(app_token=self._slack.app_token)
        return str(answer["url"])

    async def open_socket(self) -> WebSocket:
        """Opens a Socket Mode connection and reads its `hello`."""
        socket = await self._session.ws_connect(await self.new_url(), autoping=False)
        assert (await self.frame(socket))["type"] == "hello"
        return socket

    async def open_rtm(self) -> WebSocket:
        """Opens an RTM connection and reads its first frames."""
        socket = await self._session.ws_connect((await self._web.rtm_connect())["url"], autoping=False)
        assert (await self.frame(socket))["type"] == "hello"
        assert (await self.frame(socket))["type"] == "reconnect_url"
        return socket

    async def frame(self, socket: WebSocket) -> Json:
        """Returns the next frame."""
        frame: Json = await socket.receive_json(timeout=TIMEOUT_SECONDS)
        return frame

    async def event(self, socket: WebSocket) -> Json:
        """Returns the next event and acknowledges it."""
        envelope = await self.frame(socket)
        await self.acknowledge(socket, envelope)
        event: Json = envelope["payload"]["event"]
        return event

    async def acknowledge(self, socket: WebSocket, envelope: Json) -> None:
        await socket.send_json({"envelope_id": envelope["envelope_id"]})

    async def wait_closed(self, socket: WebSocket) -> None:
        """Reads until the server closes the socket."""
        while (await socket.receive(timeout=TIMEOUT_SECONDS)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSING,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            pass
