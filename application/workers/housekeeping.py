"""Forgets what has been kept for long enough."""

from datetime import datetime, timedelta

import structlog

from application.policies import RetentionPolicy
from application.ports.chat import Chat
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from domain.actions import ActionId, JournalEntry
from domain.outbox import OutboxEntry

log = structlog.get_logger()

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
        for name, queue in (("outbox", self._storage.outbox), ("journal", self._storage.journal)):
            if count := await _discard(queue, before):
                log.warning("set_aside_discarded", queue=name, count=count)


async def _discard(queue: Outbox | Journal, before: datetime) -> int:
    """Discards the dead letters that came before this time, up to the first younger one. Returns how many."""
    old = []
    async for entry in queue.entries(dead_lettered=True):
        key, at = _identify(entry)
        if at >= before:
            break
        old.append(key)
    return sum([await queue.discard(key) for key in old])


def _identify(entry: OutboxEntry | JournalEntry) -> tuple[ActionId, datetime]:
    if isinstance(entry, OutboxEntry):
        return ActionId(entry.key), entry.received_at
    return entry.action.id, entry.taken_at
