"""Connections of the simulated servers."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

from aiohttp import web

_NO_LINGER: Final = struct.pack("ii", 1, 0)


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
