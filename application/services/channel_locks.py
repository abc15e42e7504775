"""One lock per channel: actions on a channel run in order, and a slow channel delays no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from domain.channels import ChannelId
from domain.outbox import Lane, Lease


@dataclass(slots=True)
class _Lock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ChannelLocks:
    """The outgoing lanes of all channels. Its length is the number of channels in use."""

    def __init__(self) -> None:
        self._locks: dict[ChannelId, _Lock] = {}
        self._tokens = count(1)

    def __len__(self) -> int:
        return len(self._locks)

    @asynccontextmanager
    async def acquire(self, channel_id: ChannelId) -> AsyncIterator[Lease]:
        """Holds the channel's lane: first come, first served, one at a time."""
        entry = self._locks.setdefault(channel_id, _Lock())
        entry.users += 1
        try:
            async with entry.lock:
                yield Lease(Lane(channel_id), next(self._tokens))
        finally:
            entry.users -= 1
            if not entry.users:
                del self._locks[channel_id]
