"""Limits of the HTTP port: how many connections and bytes it holds, and how long a peer may keep it waiting."""

import asyncio
import resource
import socket
from contextlib import suppress
from typing import Final, cast

_MAX_CONNECTIONS: Final = 512
_MAX_BUFFERED_BYTES: Final = 8 * 1024 * 1024
"""The limit of all requests in progress together. Slack's have a few kilobytes each."""
_RECEIVE_BUFFER_BYTES: Final = 32 * 1024
"""The kernel's buffer for one connection: as much may arrive before the pack has read the headers."""
_OPEN_FILES: Final = 4096
"""The number of open files for connections, the storage's files, and requests to Slack and Flyte."""


def raise_open_file_limit() -> None:
    """Raises the soft limit of open files to 4,096, or to the hard limit if that is lower. Never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # some systems refuse numbers below the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _max_connections() -> int:
    """Leaves at least half of the open files to the rest of the pack."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, soft // 2)


class ConnectionLimits:
    """All connections of a port.

    New connections and bytes always find room: the connection that has kept the pack waiting for longest gives way, or
    the one with the largest unfinished request. Health checks and Slack's requests therefore succeed during a flood.
    """

    def __init__(self, wait_seconds: float) -> None:
        """A peer may keep the pack waiting for `wait_seconds`: for a request, a body, or the reading of a response."""
        self.wait_seconds = wait_seconds
        self._max_connections = _max_connections()
        self._connections: dict[asyncio.BaseTransport, Connection] = {}
        self._waiting: dict[Connection, None] = {}
        """Connections that wait for their peer, the longest wait first."""

    def guard(self, protocol: asyncio.Protocol) -> "Connection":
        """Returns a protocol for `create_server` that passes everything on to this one, within the limits."""
        return Connection(protocol, self)

    def connection(self, transport: asyncio.BaseTransport | None) -> "Connection":
        """Returns the connection of a request. Raises ConnectionResetError if it is closed."""
        connection = self._connections.get(transport) if transport else None
        if connection is None:
            raise ConnectionResetError("the connection is closed")
        return connection

    def opened(self, transport: asyncio.BaseTransport, connection: "Connection") -> None:
        """Counts a connection, and makes room for it."""
        self._connections[transport] = connection
        if len(self._connections) > self._max_connections:
            strangers = (other for other in self._waiting if not other.is_trusted)
            next(strangers, next(iter(self._waiting), connection)).abort()

    def closed(self, transport: asyncio.BaseTransport, connection: "Connection") -> None:
        """Forgets a connection."""
        self._connections.pop(transport, None)
        self._waiting.pop(connection, None)

    def waiting(self, connection: "Connection", *, is_waiting: bool) -> None:
        """Notes whether a connection waits for its peer."""
        self._waiting.pop(connection, None)
        if is_waiting:
            self._waiting[connection] = None

    def buffered(self) -> None:
        """Makes room after a connection has received more bytes."""
        while sum(other.buffered_bytes for other in self._connections.values()) > _MAX_BUFFERED_BYTES:
            unfinished = [other for other in self._waiting if other.buffered_bytes]
            if not unfinished:
                return  # complete requests, which are done with soon
            max(unfinished, key=lambda other: other.buffered_bytes).abort()


class Connection(asyncio.Protocol):
    """One connection: a protocol around the one that speaks HTTP."""

    def __init__(self, protocol: asyncio.Protocol, limits: ConnectionLimits) -> None:
        self._protocol = protocol
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_request = False
        self.is_trusted = False
        """Whether a request signed by Slack came on it."""
        self.buffered_bytes = 0
        """The buffered bytes of the request in progress."""

    def wait_for_request(self, seconds: float | None = None) -> None:
        """Gives the peer `seconds` (by default those of the limits) to read the response and send its next request."""
        self._is_in_request = False
        self.buffered_bytes = 0
        self._wait_for_peer(seconds or self._limits.wait_seconds)

    def begin_request(self) -> None:
        """The headers of a request are complete."""
        self.stop_waiting()
        self._is_in_request = True
        self.buffered_bytes = 0

    def wait_for_body(self) -> None:
        """Gives the peer the limits' time to send the rest of its request."""
        self._wait_for_peer(self._limits.wait_seconds)

    def stop_waiting(self) -> None:
        """Stops the time limit: the pack is processing the request."""
        self._limits.waiting(self, is_waiting=False)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def buffer(self, size: int) -> None:
        """Counts bytes of the request. Raises ConnectionResetError if the connection had to give way for others."""
        self.buffered_bytes += size
        self._limits.buffered()
        if self._transport is None:
            raise ConnectionResetError("closed to make room")

    def abort(self) -> None:
        """Closes at once: the peer may not be reading."""
        self.stop_waiting()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            self.buffered_bytes = 0
            self._limits.closed(transport, self)
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Implements asyncio.Protocol, like all of the following."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._protocol.connection_made(transport)
        self.wait_for_request()
        self._limits.opened(transport, self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.stop_waiting()
        if self._transport is not None:
            self._limits.closed(self._transport, self)
            self._transport = None
        self._protocol.connection_lost(exc)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if not self._is_in_request:
            with suppress(ConnectionResetError):
                self.buffer(len(data))
        if self._transport is not None:
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:  # noqa: D102
        return self._protocol.eof_received()

    def pause_writing(self) -> None:  # noqa: D102
        self._protocol.pause_writing()

    def resume_writing(self) -> None:  # noqa: D102
        self._protocol.resume_writing()

    def _wait_for_peer(self, seconds: float) -> None:
        self.stop_waiting()
        if self._transport is not None:
            self._limits.waiting(self, is_waiting=True)
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)
