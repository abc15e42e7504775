"""The HTTP port of a pack, and connections to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from application.health import HealthRegistry
from domain.json_values import JsonObject
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import HttpServer, RenderMetrics, SlackRequestHandler

MIB = 1024 * 1024
HEAD = b"POST /slack/events HTTP/1.1\r\nHost: a\r\n"
"""The beginning of a request of Slack."""


@asynccontextmanager
async def running_server(
    health: HealthRegistry | None = None,
    slack_handler: SlackRequestHandler | None = None,
    wait_seconds: float = 10.0,
    metrics: RenderMetrics | None = None,
) -> AsyncIterator[HttpServer]:
    """Listens on a free port."""
    server = HttpServer(
        health or HealthRegistry(HEALTH_CHECKS),
        host="127.0.0.1",
        port=0,
        slack_handler=slack_handler,
        wait_seconds=wait_seconds,
        metrics=metrics,
    )
    async with server.open():
        yield server


async def echo(headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    """Answers a request of Slack with what it has."""
    return 200, f"{headers.get('x-slack-signature')} {len(body)} {body[:20]!r}"


class SlackRequests:
    """Refuses requests with the header `Refused` unread, and has `respond` answer the others."""

    def __init__(
        self, respond: Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, str | JsonObject]]] = echo
    ) -> None:
        self._respond = respond
        self.is_receiving = True

    def refuse(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        return (401, "refused") if "Refused" in headers else None

    async def handle_request(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str | JsonObject]:
        return await self._respond(headers, body)


@asynccontextmanager
async def connected(url: str, sent: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which this was sent."""
    reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split("/")[0].split(":"))
    writer.write(sent)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Reads to the end of the connection, which the server has to reach."""
    async with asyncio.timeout(2):
        with suppress(ConnectionError):
            await reader.read()
    return True
