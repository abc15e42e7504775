"""Opening one of Slack's sockets, up to the `hello` with which Slack begins to deliver on it."""

import asyncio
from contextlib import aclosing
from typing import Final, Protocol

from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.frames import Hello, Leaving, Meaning, Shut
from adapters.slack.web_client import SlackWeb
from application.ports.clock import Clock
from domain.errors import Unreachable
from domain.json_values import JsonObject

MOST_CONNECTIONS: Final = 10
"""Of an app, in Socket Mode."""


class Dialect(Protocol):
    """What differs between Slack's kinds of sockets."""

    name: str
    redelivers: bool
    """Whether Slack delivers again, after a short gap, what was not acknowledged."""

    async def new_address(self) -> str:
        """The address of a new socket, with a ticket in it: never to be logged. Raises ChatError, but not InDoubt."""

    def read(self, frame: JsonObject) -> Meaning:
        """What a frame means."""

    def acknowledgement(self, envelope_id: str) -> str:
        """The frame that acknowledges an envelope."""

    def ping(self) -> str:
        """A frame of its own to ask for a sign of life; empty where the socket's own pings do."""


class SlackShuts(Exception):
    """Slack ended a socket by name before it said hello."""

    def __init__(self, reason: str, pause_seconds: float) -> None:
        super().__init__(reason)
        self.pause_seconds = pause_seconds
        """For how long Slack wants to be left alone."""


async def open_socket(dialect: Dialect, web: SlackWeb, clock: Clock) -> tuple[Connection, Hello]:
    """A socket at a fresh address on which Slack said hello, for the caller to close; or ChatError or SlackShuts."""
    return await open_socket_at(await dialect.new_address(), dialect, web, clock)


async def open_socket_at(address: str, dialect: Dialect, web: SlackWeb, clock: Clock) -> tuple[Connection, Hello]:
    """As `open_socket`, at an address that was not used yet."""
    connection = Connection(await web.connect(address), clock)
    try:
        async with asyncio.timeout(web.timeout_seconds):
            return connection, await _hello_on(connection, dialect)
    except TimeoutError:
        await connection.close()
        raise Unreachable("no_hello", "Slack opened a socket and said nothing") from None
    except BaseException:
        await connection.close()
        raise


async def _hello_on(connection: Connection, dialect: Dialect) -> Hello:
    async with aclosing(connection.frames()) as frames:
        async for frame in frames:
            match dialect.read(frame):
                case Hello() as hello:
                    return hello
                case Shut(reason, pause_seconds):
                    raise SlackShuts(reason, pause_seconds)
                case Leaving(reason):
                    raise Unreachable("no_hello", f"Slack ended the connection at once ({reason})")
                case _:
                    pass  # nothing is lost: what is not acknowledged comes again
    raise Unreachable("no_hello", "the connection ended before Slack said hello")
