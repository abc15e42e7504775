"""A storage that forgets everything at exit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from adapters.memory.journal import MemoryJournal
from adapters.memory.outbox import MemoryOutbox
from application.ports.channels import Channels
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from domain.channels import ChannelId, JoinedChannels
from domain.errors import StorageUnusable
from domain.rate_limits import InMemoryRateLimiter


class MemoryChannels:
    """The channels port in memory."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        self._outbox = outbox
        self._joined_at: dict[ChannelId, datetime] = {}
        self._bystanders: frozenset[ChannelId] | None = None

    async def joined(self) -> JoinedChannels:
        return JoinedChannels(tuple(self._joined_at))

    async def join(self, channel_id: ChannelId, at: datetime) -> None:
        self._joined_at.setdefault(channel_id, at)

    async def leave(self, channel_id: ChannelId) -> None:
        self._joined_at.pop(channel_id, None)

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        return self._bystanders

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        self._bystanders = channel_ids

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        heard_at = self._outbox.last_message_at(channel_id)
        moments = self._joined_at.get(channel_id), heard_at and heard_at - overlap
        return max(filter(None, moments), default=None)

    async def active_since(self, moment: datetime) -> frozenset[ChannelId]:
        return self._outbox.active_since(moment)


class MemoryStorage:
    """The storage port in memory. Opened again it is what a restarted process finds: all data, and no claims."""

    channels: Channels
    outbox: Outbox
    journal: Journal
    rate_limiter: RateLimiter

    def __init__(self) -> None:
        self._outbox = MemoryOutbox()
        self._journal = MemoryJournal()
        self._is_open = False
        self.channels = MemoryChannels(self._outbox)
        self.outbox = self._outbox
        self.journal = self._journal
        self.rate_limiter = InMemoryRateLimiter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        if self._is_open:
            raise StorageUnusable("this memory storage is in use; it serves one pack at a time")
        self._is_open = True
        self._outbox.release_claims()
        self._journal.release_orphans()
        try:
            yield
        finally:
            self._is_open = False

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        """Nobody else can take anything from here."""
