"""The HTTP side of a simulated server: it listens, goes down, comes up again, and resets connections."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Final

from aiohttp import web

_NO_LINGER: Final = struct.pack("ii", 1, 0)
_BACKLOG: Final = 1024


class HttpListener:
    """Serves an application at one address, which stays reserved while the server is down.

    Responses carry the time `now`, in seconds since 1970.
    """

    def __init__(self, host: str, port: int, now: Callable[[], float] = time.time) -> None:
        self.host: Final = host
        self.port = port
        self._now = now
        self._reserved: socket.socket | None = None
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """The server's address, also while it is down."""
        return f"http://{self.host}:{self.port}"

    async def open(
        self, app: web.Application, *, handler_cancellation: bool = False, shutdown_seconds: float = 0.05
    ) -> None:
        """Starts to listen. Raises OSError when the port is taken."""
        self._reserve()
        app.middlewares.insert(0, self._add_date)
        self._runner = web.AppRunner(
            app, handler_cancellation=handler_cancellation, access_log=None, shutdown_timeout=shutdown_seconds
        )
        await self._runner.setup()
        try:
            await self.start()
        except OSError:
            await self.close()
            raise

    async def start(self) -> None:
        """Accepts connections; has no effect when it does already."""
        if self._runner is not None and self._site is None:
            self._site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True, backlog=_BACKLOG)
            await self._site.start()

    async def stop(self) -> None:
        """Refuses new connections; those that are open stay open."""
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def close(self) -> None:
        """Stops, and resets every connection."""
        await self.stop()
        self.reset_connections()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._reserved is not None:
            self._reserved.close()

    def reset_connections(self) -> None:
        """Resets every open connection."""
        server = self._runner.server if self._runner is not None else None
        for connection in list(server.connections if server is not None else ()):
            reset_connection(connection.transport)

    @web.middleware
    async def _add_date(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        response = await handler(request)
        if not response.prepared:
            response.headers.setdefault("Date", formatdate(self._now(), usegmt=True))
        return response

    def _reserve(self) -> None:
        """Binds the port without listening, so that no other process gets it while the server is down."""
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._reserved.bind((self.host, self.port))
        except OSError as error:
            self._reserved.close()
            raise OSError(error.errno, f"can't listen on {self.host}:{self.port}: {error.strerror}") from error
        self.port = self._reserved.getsockname()[1]


def reset_connection(transport: asyncio.Transport | None) -> None:
    """Closes a connection so that the peer sees a reset and not an end of file."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def reset(request: web.Request) -> web.Response:
    """Resets a request's connection; returns the response, never sent, that the handler has to return."""
    reset_connection(request.transport)
    return web.Response(status=503)
