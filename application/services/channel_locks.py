"""One lock per channel: actions on a channel run in order, and a slow channel delays no other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from domain.channels import ChannelId
from domain.outbox import Lane, Lease


class Patience:
    """How long an action may go on trying. The time in which its channel waits on purpose does not count."""

    def __init__(self, channel: "ChannelQueue", seconds: float) -> None:
        self._channel = channel
        self._ends_at = _now() + seconds - channel.excused_seconds

    @property
    def left(self) -> float:
        """The seconds that are left; 0 or less if it is over."""
        return self._ends_at + self._channel.excused_seconds - _now()


class ChannelQueue:
    """The actions on one channel: first come, first served, one at a time."""

    def __init__(self, channel_id: ChannelId, tokens: Iterator[int]) -> None:
        self.users = 0
        self._channel_id = channel_id
        self._tokens = tokens
        self._lock = asyncio.Lock()
        self._excused_seconds = 0.0
        self._excused_since: float | None = None

    @property
    def excused_seconds(self) -> float:
        """How long the channel has waited within `excused`, up to now."""
        current = 0.0 if self._excused_since is None else _now() - self._excused_since
        return self._excused_seconds + current

    @contextmanager
    def excused(self) -> Iterator[None]:
        """Counts the time within as a wait that costs no action its patience. For the action whose turn it is."""
        self._excused_since = _now()
        try:
            yield
        finally:
            self._excused_seconds, self._excused_since = self.excused_seconds, None

    @asynccontextmanager
    async def turn(self, patience: Patience | None = None) -> AsyncIterator[Lease]:
        """Waits for the action's turn, and holds the channel. Raises TimeoutError if the patience is over before."""
        await self._acquire(patience)
        try:
            yield Lease(Lane(self._channel_id), next(self._tokens))
        finally:
            self._lock.release()

    async def _acquire(self, patience: Patience | None) -> None:
        if not self._lock.locked():
            await self._lock.acquire()
            return
        acquiring = asyncio.create_task(self._lock.acquire(), name=f"turn in {self._channel_id}")
        try:
            left = None if patience is None else patience.left
            while not acquiring.done() and (left is None or left > 0):
                await asyncio.wait({acquiring}, timeout=left)
                left = None if patience is None else patience.left
        except asyncio.CancelledError:
            if not acquiring.cancel():
                self._lock.release()
            raise
        if acquiring.cancel():
            raise TimeoutError


class ChannelLocks:
    """The outgoing lanes of all channels. Its length is the number of channels in use."""

    def __init__(self) -> None:
        self._queues: dict[ChannelId, ChannelQueue] = {}
        self._tokens = count(1)

    def __len__(self) -> int:
        return len(self._queues)

    @contextmanager
    def queue(self, channel_id: ChannelId) -> Iterator[ChannelQueue]:
        """Returns the channel's queue, for an action that is going to wait for its turn."""
        queue = self._queues.setdefault(channel_id, ChannelQueue(channel_id, self._tokens))
        queue.users += 1
        try:
            yield queue
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[channel_id]

    @asynccontextmanager
    async def acquire(self, channel_id: ChannelId) -> AsyncIterator[Lease]:
        """Holds the channel's lane: first come, first served, one at a time."""
        with self.queue(channel_id) as queue:
            async with queue.turn() as lease:
                yield lease


def _now() -> float:
    return asyncio.get_running_loop().time()
