"""Opening one of Slack's sockets, up to the `hello` with which Slack begins to deliver on it."""

import asyncio
from contextlib import aclosing
from typing import Final, Protocol

from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.frames import DisconnectWarning, Frame, Hello, Refused
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from domain.errors import Unreachable
from domain.json_values import JsonObject

MAX_CONNECTIONS: Final = 10
"""Of an app, in Socket Mode."""


class SocketProtocol(Protocol):
    """What differs between Slack's kinds of sockets."""

    name: str
    replays_missed: bool
    """Whether Slack delivers again, after a short gap, what was not acknowledged."""

    async def request_url(self) -> str:
        """The address of a new socket, with a ticket in it: never to be logged. Raises ChatError, but not InDoubt."""

    def parse(self, frame: JsonObject) -> Frame:
        """What a frame means."""

    def acknowledgement(self, envelope_id: str) -> str:
        """The frame that acknowledges an envelope."""

    def ping(self) -> str:
        """A frame of its own to ask for a sign of life; empty where the socket's own pings do."""


class SocketRefused(Exception):
    """Slack ended a socket by name before it said hello."""

    def __init__(self, reason: str, retry_after_seconds: float) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        """For how long Slack wants to be left alone."""


async def open_socket(protocol: SocketProtocol, web: SlackWebClient, clock: Clock) -> tuple[Connection, Hello]:
    """A socket at a fresh address on which Slack said hello, for the caller to close; or ChatError or SlackShuts."""
    return await open_socket_at(await protocol.request_url(), protocol, web, clock)


async def open_socket_at(
    url: str, protocol: SocketProtocol, web: SlackWebClient, clock: Clock
) -> tuple[Connection, Hello]:
    """As `open_socket`, at an address that was not used yet."""
    connection = Connection(await web.connect(url), clock)
    try:
        async with asyncio.timeout(web.timeout_seconds):
            return connection, await _wait_for_hello(connection, protocol)
    except TimeoutError:
        await connection.close()
        raise Unreachable("no_hello", "Slack opened a socket and said nothing") from None
    except BaseException:
        await connection.close()
        raise


async def _wait_for_hello(connection: Connection, protocol: SocketProtocol) -> Hello:
    async with aclosing(connection.frames()) as frames:
        async for frame in frames:
            match protocol.parse(frame):
                case Hello() as hello:
                    return hello
                case Refused(reason, retry_after_seconds):
                    raise SocketRefused(reason, retry_after_seconds)
                case DisconnectWarning(reason):
                    raise Unreachable("no_hello", f"Slack ended the connection at once ({reason})")
                case _:
                    pass  # nothing is lost: what is not acknowledged comes again
    raise Unreachable("no_hello", "the connection ended before Slack said hello")
