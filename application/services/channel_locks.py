"""One lane for each channel: what goes into a channel goes in order, and a slow channel holds up no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from domain.channels import ChannelId


@dataclass(slots=True)
class _Lock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ChannelLocks:
    """The turns of all channels."""

    def __init__(self) -> None:
        self._lanes: dict[ChannelId, _Lock] = {}

    @asynccontextmanager
    async def acquire(self, channel_id: ChannelId) -> AsyncIterator[None]:
        """The caller's turn in this channel: first come, first served, one at a time."""
        lane = self._lanes.setdefault(channel_id, _Lock())
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[channel_id]
