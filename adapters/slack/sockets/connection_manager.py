"""Listening on Slack's sockets without end: opening, replacing, losing and finding them again.

There are two at most: a new one is opened before one is closed that Slack announces to end. Attempts come with growing
pauses that only a `hello` shortens again; each one uses a fresh address, since Slack's serve once.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, assert_never

import structlog

from adapters.slack.sockets.arrival_queue import Inbox
from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.frames import Delivery, Hello, Leaving, Nothing, Shut, Useless
from adapters.slack.sockets.handshake import MOST_CONNECTIONS, Dialect, SlackShuts, open_socket
from adapters.slack.web_client import SlackWeb
from application.ports.clock import Clock
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from application.resilience.backoff import exponential_backoff
from domain.errors import ChatRejected, RateLimited, Unreachable
from domain.json_values import JsonObject

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_SHORT_LIFE_SECONDS = 10.0
"""A connection that ends sooner is not replaced at once: Slack, or something between, may not want it."""
_PING_EVERY_SECONDS = 10.0
_LINGERING_SECONDS = 5.0
"""For the acknowledgements still owed on a connection that was replaced."""
_MANY_CONNECTIONS = MOST_CONNECTIONS - 2


def long_pause_seconds() -> float:
    """How long to leave Slack alone when it says no by name."""
    return random.uniform(30.0, 60.0)  # noqa: S311 - spreads load, keeps no secret


@asynccontextmanager
async def listening(dialect: Dialect, web: SlackWeb, clock: Clock) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
    """Receiver.listen for sockets of this dialect, while `web` is open."""
    inbox = Inbox(clock)
    keeper = asyncio.create_task(_Keeper(dialect, web, clock, inbox).keep(), name=f"slack {dialect.name}")
    try:
        yield inbox
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])


class _Keeper:
    """Keeps a connection open."""

    def __init__(self, dialect: Dialect, web: SlackWeb, clock: Clock, inbox: Inbox) -> None:
        self._dialect = dialect
        self._web = web
        self._clock = clock
        self._inbox = inbox
        self._open: list[Connection] = []
        """Those that said hello and have not ended, the newest last."""
        self._pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._has_connected = False
        self._deaf_since: datetime | None = None
        self._announced = ""
        """The reason of the last Disconnected, until connected again."""

    async def keep(self) -> None:
        """Run without end, or until Slack refuses for good; then who listens learns why."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._keep_open(tasks)
        except* ChatRejected as refusals:
            await self._inbox.fail(refusals.exceptions[0])
        except* Exception as errors:  # noqa: BLE001 - not swallowed: who listens gets it
            await self._inbox.fail(errors)

    async def _keep_open(self, tasks: asyncio.TaskGroup) -> None:
        pause_seconds = 0.0
        while True:
            connection = await self._next_connection(pause_seconds)
            tasks.create_task(self._listen(connection), name="listen on socket")
            retiring = [tasks.create_task(_retire(old), name="retire socket") for old in self._open[:-1]]
            await connection.needs_successor.wait()
            if retiring:
                await asyncio.wait(retiring)
            pause_seconds = self._pause_after(connection)

    def _pause_after(self, connection: Connection) -> float:
        is_short_lived = connection.age_seconds < _SHORT_LIFE_SECONDS
        return max(connection.rest_seconds, next(self._pauses) if is_short_lived else 0.0)

    async def _next_connection(self, pause_seconds: float) -> Connection:
        while True:
            await self._clock.sleep(pause_seconds)
            try:
                connection, hello = await open_socket(self._dialect, self._web, self._clock)
            except ChatRejected as refusal:
                if not self._has_connected:
                    raise
                pause_seconds = await self._note_failure(str(refusal), long_pause_seconds())
            except RateLimited as limit:
                pause_seconds = await self._note_failure(str(limit), limit.retry_after_seconds)
            except SlackShuts as shut:
                pause_seconds = await self._note_failure(str(shut), shut.pause_seconds)
            except Unreachable as outage:
                pause_seconds = await self._note_failure(str(outage))
            else:
                await self._note_hello(connection, hello)
                return connection

    async def _note_hello(self, connection: Connection, hello: Hello) -> None:
        log.info("slack_socket_open", kind=self._dialect.name, connections=hello.connections)
        if hello.connections is not None and hello.connections >= _MANY_CONNECTIONS:
            log.warning("slack_sockets_nearly_used_up", connections=hello.connections, allowed=MOST_CONNECTIONS)
        self._pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        if not self._open:
            await self._inbox.put(Connected(self._deaf_since, self._dialect.redelivers))
        self._open.append(connection)
        self._has_connected = True
        self._announced = ""

    async def _note_failure(self, reason: str, at_least_seconds: float = 0.0) -> float:
        """Tell of it, and return how long to leave Slack alone."""
        pause_seconds = max(next(self._pauses), at_least_seconds)
        log.warning(
            "slack_socket_not_opened",
            kind=self._dialect.name,
            reason=reason,
            again_in_seconds=round(pause_seconds, 1),
        )
        if not self._open:
            await self._announce(reason)
        return pause_seconds

    async def _listen(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch(connection), name="watch socket")
            try:
                async with aclosing(connection.frames()) as frames:
                    async for frame in frames:
                        await self._hear(frame, connection)
            finally:
                watch.cancel()
                await connection.close()
        self._open.remove(connection)
        if not self._open:
            self._deaf_since = connection.last_heard
            await self._announce(connection.end_reason)
        connection.needs_successor.set()

    async def _hear(self, frame: JsonObject, connection: Connection) -> None:
        meaning = self._dialect.read(frame)
        match meaning:
            case Delivery(event, ""):
                await self._inbox.put(event)
            case Delivery(event, envelope_id):
                await self._inbox.put(event, self._owed(envelope_id, connection))
            case Useless(envelope_id):
                await connection.send(self._dialect.acknowledgement(envelope_id))
            case Leaving(reason):
                log.info("slack_socket_to_be_replaced", kind=self._dialect.name, reason=reason)
                connection.needs_successor.set()
            case Shut(reason, pause_seconds):
                connection.end_reason, connection.rest_seconds = reason, pause_seconds
                await connection.close()
            case Hello() | Nothing():
                pass
            case _:
                assert_never(meaning)

    def _owed(self, envelope_id: str, connection: Connection) -> Callable[[], Awaitable[None]]:
        connection.owe()
        is_given = False

        async def acknowledge() -> None:
            nonlocal is_given
            if not is_given:
                is_given = True
                await connection.settle(self._dialect.acknowledgement(envelope_id))

        return acknowledge

    async def _watch(self, connection: Connection) -> None:
        while not connection.is_silent():
            ping = self._dialect.ping()
            await (connection.send(ping) if ping else connection.ping())
            await self._clock.sleep(_PING_EVERY_SECONDS)
        connection.end_reason = "Slack fell silent"
        await connection.close()

    async def _announce(self, reason: str) -> None:
        if reason != self._announced:
            self._announced = reason
            await self._inbox.put(Disconnected(reason))


async def _retire(connection: Connection) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGERING_SECONDS):
            await connection.until_settled()
    await connection.close()
