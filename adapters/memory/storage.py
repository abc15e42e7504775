"""A storage that forgets everything at exit."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from adapters.memory.gaps import MemoryGaps
from adapters.memory.journal import MemoryJournal
from adapters.memory.message_keys import MemoryMessageKeys
from adapters.memory.outbox import MemoryOutbox
from adapters.rate_limiter import InMemoryRateLimiter
from application.ports.channels import Channels
from application.ports.clock import Clock
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.replicas import Replicas
from application.ports.storage import StorageDescription, Topic
from application.services.sole_process import SoleProcessLeases, SoleReplica
from domain.channels import ChannelId, JoinedChannels
from domain.errors import StorageUnusable
from domain.outbox import Lane


class MemoryChannels:
    """Implements Channels in memory."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        self._outbox = outbox
        self.listened_to = JoinedChannels()
        self._listening_since: dict[ChannelId, datetime] = {}
        self._unjoined_memberships: frozenset[ChannelId] | None = None

    async def joined(self) -> JoinedChannels:
        return self.listened_to

    async def join(self, channel_id: ChannelId, *, since: datetime) -> None:
        if channel_id not in self.listened_to:
            self._listening_since[channel_id] = since
            self.listened_to = self.listened_to.join(channel_id)

    async def note_listening(self, channel_ids: Sequence[ChannelId], since: datetime) -> None:
        for channel_id in channel_ids:
            self._listening_since.setdefault(channel_id, since)

    async def was_joined(self, channel_id: ChannelId) -> bool:
        return channel_id in self.listened_to or channel_id in self._listening_since

    async def leave(self, channel_id: ChannelId) -> None:
        self.listened_to = self.listened_to.leave(channel_id)

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        return self._unjoined_memberships

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        self._unjoined_memberships = channel_ids

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        message_at = self._outbox.last_message_at(Lane(channel_id))
        times = self._listening_since.get(channel_id), message_at and message_at - overlap
        return max(filter(None, times), default=None)

    async def active_since(self, time: datetime) -> frozenset[ChannelId]:
        return frozenset(map(ChannelId, self._outbox.active_since(time)))


class MemoryStorage:
    """Implements Storage in memory. Opened again, it is what a restarted process finds: all data, and no claims."""

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def __init__(self, clock: Clock) -> None:
        self._outbox = MemoryOutbox(clock, lambda channel_id: channel_id in channels.listened_to)
        self._journal = MemoryJournal(clock)
        self._is_open = False
        self.channels = channels = MemoryChannels(self._outbox)
        self.gaps = MemoryGaps()
        self.outbox = self._outbox
        self.journal = self._journal
        self.message_keys = MemoryMessageKeys(clock)
        self.rate_limiter = InMemoryRateLimiter(clock)
        self.leases = SoleProcessLeases()
        self.replicas = SoleReplica()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        if self._is_open:
            raise StorageUnusable("this memory storage is in use; it serves one pack at a time")
        self._is_open = True
        self._outbox.expire_claims()
        self._journal.release_orphans()
        try:
            yield
        finally:
            self._is_open = False

    async def heartbeat(self, lease_seconds: float) -> None:
        """No other process can take anything from here."""

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        if topic is Topic.OUTBOX:
            self._outbox.subscribers.append(notify)

    def describe(self) -> StorageDescription:
        return StorageDescription("memory", is_durable=False, is_shared=False)
