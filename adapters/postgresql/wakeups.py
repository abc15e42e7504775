"""Wake-ups among replicas by NOTIFY: hints that one has left work for others. Without them, others look every second.

They are sent outside the transactions that leave the work, and rarely, since a NOTIFY takes a lock of the whole server.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg
from psycopg import Notify

from adapters.postgresql.database import Database
from adapters.postgresql.replicas import PostgresReplicas
from application.ports.storage import Topic
from domain.errors import StorageError

_PAUSE_SECONDS: Final = 0.01
"""The pause between messages of a replica."""
_PAUSE_WITHOUT_HINTS_SECONDS: Final = 1.0
"""The pause before a replica reconnects, or looks for work itself because a pooler passes no hints on."""
_SILENCE_SECONDS: Final = 30.0
"""Time without a message after which the connection is tested."""
_SEND: Final = """
    SELECT set_config('synchronous_commit', 'off', true), pg_notify('flyte_slack', concat(topic, ' ', %s::bigint))
    FROM unnest(%s::text[]) AS left_work (topic)
"""
"""Asynchronous, since nothing is lost if the server forgets a message."""


class Wakeups:
    """Sends and receives the wake-ups of one replica."""

    def __init__(self, database: Database, replicas: PostgresReplicas) -> None:
        self.database = database
        self._replicas = replicas
        self._subscribers: defaultdict[Topic, list[Callable[[], None]]] = defaultdict(list)
        self._pending: set[Topic] = set()
        self._sending: asyncio.Task[None] | None = None

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        """Calls `notify` when there is work of this kind."""
        self._subscribers[topic].append(notify)

    def wake(self, topic: Topic) -> None:
        """Wakes whoever waits in this process for work of this kind."""
        for notify in self._subscribers[topic]:
            notify()

    def announce(self, topic: Topic) -> None:
        """Tells the other replicas, soon, that there is work of this kind."""
        if not self._replicas.has_others:
            return
        self._pending.add(topic)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="wake others")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Receives wake-ups, and sends the last ones at the end."""
        listening = asyncio.create_task(self._listen(), name="listen")
        try:
            yield
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def finish(self) -> None:
        """Sends what is left to send."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        while self._pending:
            topics, self._pending = self._pending, set()
            with suppress(StorageError):
                await self.database.fetch(_SEND, (self._replicas.own_id, [topic.value for topic in topics]))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self) -> None:
        while True:
            if not self.database.is_pooled:
                with suppress(StorageError, psycopg.Error, TimeoutError):
                    await self._receive()
            elif self._replicas.has_others:
                self._wake_all()
            await asyncio.sleep(_PAUSE_WITHOUT_HINTS_SECONDS)

    async def _receive(self) -> None:
        """Receives until the connection is lost."""
        async with await self.database.connect() as session:
            await session.execute("LISTEN flyte_slack")
            self._wake_all()  # a hint may have been missed
            while True:
                async for notification in session.notifies(timeout=_SILENCE_SECONDS):
                    self._on_notification(notification)
                async with asyncio.timeout(_SILENCE_SECONDS):
                    await session.execute("SELECT")

    def _on_notification(self, notification: Notify) -> None:
        name, _, sender = notification.payload.partition(" ")
        if sender != str(self._replicas.own_id):
            with suppress(ValueError):  # of a newer replica
                self.wake(Topic(name))

    def _wake_all(self) -> None:
        for topic in Topic:
            self.wake(topic)
