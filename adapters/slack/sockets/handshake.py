"""Opens one of Slack's sockets, up to the `hello` after which Slack delivers on it."""

import asyncio
from contextlib import aclosing
from typing import Final, Protocol

import structlog

from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.frames import DisconnectWarning, Frame, Hello, KeepAlive, Refused
from adapters.slack.web_client import SlackWebClient
from domain.errors import Unreachable
from domain.json_values import JsonObject

log = structlog.get_logger()

MAX_CONNECTIONS: Final = 10
"""Slack's limit for one app in Socket Mode."""


class SocketProtocol(Protocol):
    """The differences between Socket Mode and RTM."""

    name: str
    replays_missed: bool
    """Whether Slack redelivers unacknowledged events after a short gap."""

    async def request_url(self) -> str:
        """Returns the URL of a new socket, with a ticket in it: never log it. Raises ChatError, but not InDoubt."""

    def parse(self, frame: JsonObject) -> Frame:
        """Returns the meaning of a frame."""

    def acknowledgement(self, envelope_id: str, response: JsonObject | None) -> str:
        """Returns the frame that acknowledges an envelope, with the content that Slack shows to the user, if any."""

    def ping(self) -> str:
        """Returns a text frame to ping with; empty to use the WebSocket's own pings."""


class SocketRefused(Exception):
    """Slack refused a socket by name before it said hello."""

    def __init__(self, reason: str, retry_after_seconds: float) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


async def open_socket(protocol: SocketProtocol, web: SlackWebClient) -> tuple[Connection, Hello]:
    """Returns a connection on which Slack said hello, for the caller to close. Raises ChatError or SocketRefused."""
    return await open_socket_at(await protocol.request_url(), protocol, web)


async def open_socket_at(url: str, protocol: SocketProtocol, web: SlackWebClient) -> tuple[Connection, Hello]:
    """Like `open_socket`, at a URL that has not been used yet."""
    connection = Connection(await web.connect(url))
    try:
        async with asyncio.timeout(web.timeout_seconds):
            return connection, await _wait_for_hello(connection, protocol)
    except TimeoutError:
        await connection.close()
        raise Unreachable("no_hello", "Slack opened a socket but sent no hello") from None
    except BaseException:
        await connection.close()
        raise


def parse_frame(protocol: SocketProtocol, frame: JsonObject) -> Frame:
    """Returns the meaning of a frame. A bug in the parser costs this frame only, which Slack delivers again."""
    try:
        return protocol.parse(frame)
    except Exception:
        log.exception("slack_frame_failed")
        return KeepAlive()


async def _wait_for_hello(connection: Connection, protocol: SocketProtocol) -> Hello:
    async with aclosing(connection.frames()) as frames:
        async for frame in frames:
            match parse_frame(protocol, frame):
                case Hello() as hello:
                    return hello
                case Refused(reason, retry_after_seconds):
                    raise SocketRefused(reason, retry_after_seconds)
                case DisconnectWarning(reason):
                    raise Unreachable("no_hello", f"Slack ended the connection at once ({reason})")
                case _:
                    pass  # nothing is lost: Slack redelivers unacknowledged events
    raise Unreachable("no_hello", "the connection ended before Slack said hello")
