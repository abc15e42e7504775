"""Keeps a socket to Slack open: connects, replaces connections that Slack is about to close, and reconnects.

At most two connections are open at a time, since a replacement opens before its predecessor closes. Reconnecting backs
off until a connection has lived for some seconds. Each attempt requests a new URL: Slack's URLs work only once.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import assert_never

import structlog

from adapters.rate_limiter import InMemoryRateLimiter
from adapters.slack.sockets.arrival_queue import EventQueue
from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.frames import DisconnectWarning, EventReceived, Hello, Ignored, KeepAlive, Refused
from adapters.slack.sockets.handshake import MAX_CONNECTIONS, SocketProtocol, SocketRefused, open_socket, parse_frame
from adapters.slack.web_client import SlackWebClient
from application.loop_time import loop_time
from application.ports.clock import Clock
from application.ports.rate_limiter import RateLimiter
from application.ports.receiver import CONNECT, Connected, Disconnected, IncomingEvent
from application.ports.telemetry import Reconnection, Telemetry
from application.resilience.backoff import exponential_backoff
from domain.errors import ChatRejected, RateLimited, Unreachable
from domain.json_values import JsonObject

log = structlog.get_logger()

_INITIAL_DELAY_SECONDS = 1.0
_MAX_DELAY_SECONDS = 30.0
_SHORT_LIFE_SECONDS = 10.0
"""A connection that ends sooner counts as a failure: Slack, or a proxy, may be rejecting it despite its hello."""
_PING_INTERVAL_SECONDS = 10.0
_DRAIN_TIMEOUT_SECONDS = 5.0
"""The time limit for outstanding acknowledgements of a replaced connection."""
_PAUSE_CHECK_SECONDS = 0.5
"""How often to look whether an operator has lifted a pause."""
_MANY_CONNECTIONS = MAX_CONNECTIONS - 2


def refusal_backoff_seconds() -> float:
    """Returns a random delay before connecting again after an explicit refusal."""
    return random.uniform(30.0, 60.0)  # noqa: S311 - jitter, not a secret


@asynccontextmanager
async def receive(
    protocol: SocketProtocol, web: SlackWebClient, clock: Clock, pauses: RateLimiter | None, telemetry: Telemetry
) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
    """Implements Receiver.events for sockets of this protocol, while `web` is open.

    Pauses that Slack asks for are kept in `pauses`, where others can see and lift them.
    """
    queue = EventQueue(clock)
    connections = ConnectionManager(protocol, web, queue, pauses or InMemoryRateLimiter(clock), telemetry)
    manager = asyncio.create_task(connections.run(), name=f"slack {protocol.name}")
    try:
        yield queue
    finally:
        manager.cancel()
        await asyncio.wait([manager])


class ConnectionManager:
    """Keeps one connection open and puts its events into a queue."""

    def __init__(
        self,
        protocol: SocketProtocol,
        web: SlackWebClient,
        queue: EventQueue,
        pauses: RateLimiter,
        telemetry: Telemetry,
    ) -> None:
        self._protocol = protocol
        self._web = web
        self._queue = queue
        self._pauses = pauses
        self._telemetry = telemetry
        self._open: list[Connection] = []
        """Connections after their hello and before their end, newest last."""
        self._delays = exponential_backoff(_INITIAL_DELAY_SECONDS, _MAX_DELAY_SECONDS)
        self._was_connected = False
        self._disconnected_since: float | None = None
        """In the event loop's time."""
        self._reported_reason = ""
        """The reason of the last Disconnected; empty while connected."""
        self._logged_failure = ""
        """The reason of the last failed attempt that was logged; empty while connected."""

    async def run(self) -> None:
        """Runs until cancelled, or until Slack refuses permanently: the queue then raises that error."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._stay_connected(tasks)
        except* ChatRejected as refusals:
            await self._queue.fail(refusals.exceptions[0])
        except* Exception as errors:  # noqa: BLE001 - raised to the consumer
            await self._queue.fail(errors)

    async def _stay_connected(self, tasks: asyncio.TaskGroup) -> None:
        delay_seconds = 0.0
        while True:
            connection = await self._connect(delay_seconds)
            tasks.create_task(self._read(connection), name="read socket")
            retiring = [tasks.create_task(_retire(old), name="retire socket") for old in self._open[:-1]]
            await connection.needs_replacement.wait()
            self._telemetry.note(connection.ending)
            if retiring:
                await asyncio.wait(retiring)
            delay_seconds = max(connection.retry_after_seconds, self._delay_after(connection))

    async def _connect(self, delay_seconds: float) -> Connection:
        while True:
            await asyncio.sleep(delay_seconds)
            await self._wait_while_paused()
            try:
                connection, hello = await open_socket(self._protocol, self._web)
            except ChatRejected as error:
                if not self._was_connected:
                    raise
                delay_seconds = await self._on_failure(error, refusal_backoff_seconds())
            except RateLimited as error:
                await self._pauses.pause(CONNECT, await self._on_failure(error, error.retry_after_seconds))
                delay_seconds = 0.0
            except SocketRefused as error:
                delay_seconds = await self._on_failure(error, error.retry_after_seconds)
            except Unreachable as error:
                delay_seconds = await self._on_failure(error)
            else:
                await self._on_hello(connection, hello)
                return connection

    async def _wait_while_paused(self) -> None:
        while left := await self._pauses.pause_left(CONNECT):  # noqa: ASYNC110 - another process may lift it
            await asyncio.sleep(min(left, _PAUSE_CHECK_SECONDS))

    async def _on_hello(self, connection: Connection, hello: Hello) -> None:
        if self._open:  # a replacement, for which Slack asks every few hours
            log.debug("slack_socket_open", kind=self._protocol.name, connections=hello.connections)
        else:
            log.info("slack_socket_open", kind=self._protocol.name, connections=hello.connections)
        if hello.connections is not None and hello.connections >= _MANY_CONNECTIONS:
            log.warning("slack_sockets_nearly_used_up", connections=hello.connections, allowed=MAX_CONNECTIONS)
        if not self._open:
            await self._queue.put([Connected(self._disconnected_seconds(), self._protocol.replays_missed)])
        self._open.append(connection)
        self._was_connected = True
        self._reported_reason = self._logged_failure = ""

    def _disconnected_seconds(self) -> float | None:
        since = self._disconnected_since
        return None if since is None else loop_time() - since

    def _delay_after(self, connection: Connection) -> float:
        if connection.age_seconds < _SHORT_LIFE_SECONDS:
            return next(self._delays)
        self._delays = exponential_backoff(_INITIAL_DELAY_SECONDS, _MAX_DELAY_SECONDS)
        return 0.0

    async def _on_failure(self, error: Exception, retry_after_seconds: float = 0.0) -> float:
        """Reports a failed attempt, and returns the delay before the next one."""
        delay_seconds = max(next(self._delays), retry_after_seconds)
        self._log_failure(error, delay_seconds)
        if not self._open:
            await self._report_disconnected(str(error))
        return delay_seconds

    def _log_failure(self, error: Exception, delay_seconds: float) -> None:
        """Warns if Slack refuses a connection, once for each reason. The consumer warns of lost connections."""
        reason = str(error)
        fields = {"kind": self._protocol.name, "reason": reason, "again_in_seconds": round(delay_seconds, 1)}
        if reason == self._logged_failure:
            log.debug("slack_socket_not_opened", **fields)
        elif isinstance(error, ChatRejected):
            log.warning("slack_socket_not_opened", **fields)
        else:
            log.info("slack_socket_not_opened", **fields)
        self._logged_failure = reason

    async def _read(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            monitor = tasks.create_task(self._monitor(connection), name="monitor socket")
            try:
                async with aclosing(connection.frames()) as frames:
                    async for frame in frames:
                        await self._handle_frame(frame, connection)
            finally:
                monitor.cancel()
                await connection.close()
        self._open.remove(connection)
        if not self._open:
            self._disconnected_since = connection.last_received_at
            await self._report_disconnected(connection.end_reason)
        connection.needs_replacement.set()

    async def _handle_frame(self, frame: JsonObject, connection: Connection) -> None:
        parsed = parse_frame(self._protocol, frame)
        match parsed:
            case EventReceived(events, ""):
                await self._queue.put(events)
            case EventReceived(events, envelope_id, response):
                connection.expect_ack()
                acknowledgement = self._protocol.acknowledgement(envelope_id, response)
                await self._queue.put(events, partial(connection.send_ack, acknowledgement))
            case Ignored(envelope_id, response):
                await connection.send(self._protocol.acknowledgement(envelope_id, response))
            case DisconnectWarning(reason):
                log.debug("slack_socket_to_be_replaced", kind=self._protocol.name, reason=reason)
                connection.ending = Reconnection.REQUESTED
                connection.needs_replacement.set()
            case Refused(reason, retry_after_seconds):
                connection.end_reason, connection.retry_after_seconds = reason, retry_after_seconds
                connection.ending = Reconnection.REFUSED
                await connection.close()
            case Hello() | KeepAlive():
                pass
            case _:
                assert_never(parsed)

    async def _monitor(self, connection: Connection) -> None:
        while not connection.is_silent():
            ping = self._protocol.ping()
            await (connection.send(ping) if ping else connection.ping())
            await asyncio.sleep(_PING_INTERVAL_SECONDS)
        connection.end_reason, connection.ending = "Slack fell silent", Reconnection.SILENT
        await connection.close()

    async def _report_disconnected(self, reason: str) -> None:
        if reason != self._reported_reason:
            self._reported_reason = reason
            await self._queue.put([Disconnected(reason)])


async def _retire(connection: Connection) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_TIMEOUT_SECONDS):
            await connection.drain_acks()
    await connection.close()
