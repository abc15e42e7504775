"""Forgets what has been kept for long enough."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from application.policies import RetentionPolicy
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown

log = structlog.get_logger()

K = TypeVar("K")

_INTERVAL_SECONDS = 20.0


class Housekeeping:
    """Purges the storage periodically."""

    def __init__(self, chat: Chat, storage: Storage, retention: RetentionPolicy, shutdown: Shutdown) -> None:
        self._chat = chat
        self._storage = storage
        self._retention = retention
        self._shutdown = shutdown

    async def run(self) -> None:
        """Runs until the pack ends."""
        while True:
            await self._storage.outbox.purge(timedelta(seconds=self._retention.event_seconds))
            await self._storage.journal.purge(timedelta(seconds=self._retention.action_seconds))
            await self._storage.message_keys.purge(timedelta(seconds=self._retention.key_seconds))
            if self._retention.set_aside_seconds:
                await self._discard_dead_letters()
            await self._shutdown.sleep(_INTERVAL_SECONDS)

    async def _discard_dead_letters(self) -> None:
        """Goes by the chat service's clock: the machine's may be wrong, and what was discarded is lost."""
        before = self._chat.now() - timedelta(seconds=self._retention.set_aside_seconds)
        outbox, journal = self._storage.outbox, self._storage.journal
        messages = ((entry.key, entry.received_at) async for entry in outbox.entries(dead_lettered=True))
        actions = ((entry.action.id, entry.taken_at) async for entry in journal.entries(dead_lettered=True))
        _report("outbox", await _discard(messages, outbox.discard, before))
        _report("journal", await _discard(actions, journal.discard, before))


async def _discard(
    dead_letters: AsyncIterator[tuple[K, datetime]], discard: Callable[[K], Awaitable[bool]], before: datetime
) -> int:
    """Discards the dead letters that came before this time, up to the first younger one. Returns how many."""
    old = []
    async for key, at in dead_letters:
        if at >= before:
            break
        old.append(key)
    return sum([await discard(key) for key in old])


def _report(queue: str, count: int) -> None:
    if count:
        log.warning("set_aside_discarded", queue=queue, count=count)
