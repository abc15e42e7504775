"""The outgoing lanes: actions on a channel run in order, one at a time, and a slow channel delays no other.

Within a process they queue here; among the processes that share a storage, its leases decide.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from application.loop_time import loop_time
from application.ports.leases import Leases
from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.outbox import Lane, Lease

_FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.1, 1.0
"""The pauses between attempts to acquire a lane that another process has, without a hint that it is free."""
_LEAST_RETRY_SECONDS = 0.02


class Patience:
    """How long an action may go on trying. The time in which its channel waits on purpose does not count."""

    def __init__(
        self, channel: "ChannelQueue", seconds: float, are_others_steady: Callable[[], Awaitable[bool]]
    ) -> None:
        """`are_others_steady` tells whether a process that has the channel waits on purpose."""
        self._channel = channel
        self._ends_at = loop_time() + seconds - channel.excused_seconds
        self.are_others_steady = are_others_steady

    @property
    def left(self) -> float:
        """The seconds that are left; 0 or less if it is over."""
        return self._ends_at + self._channel.excused_seconds - loop_time()


@dataclass(slots=True, eq=False)
class _Waiter:
    """A task that waits for a turn."""

    action_id: ActionId | None
    patience: Patience | None
    called: asyncio.Event = field(default_factory=asyncio.Event)


class ChannelQueue:
    """The queue of tasks that act in one channel: first come, first served, one at a time."""

    def __init__(self, channel_id: ChannelId, leases: Leases, shutdown: Shutdown, max_retry_seconds: float) -> None:
        self.users = 0
        self.lane = Lane(channel_id)
        self.changed = asyncio.Event()
        """Set when another process may have released the lane."""
        self.is_granted = False
        """Whether this process has the lane."""
        self._leases = leases
        self._shutdown = shutdown
        self._max_retry_seconds = max_retry_seconds
        self._waiting: list[_Waiter] = []
        self._is_taken = False
        """Whether a task here has the lane or tries to acquire it."""
        self._excused_seconds = 0.0
        self._excused_since: float | None = None

    @property
    def excused_seconds(self) -> float:
        """How long the channel has waited within `excused`, up to now."""
        current = 0.0 if self._excused_since is None else loop_time() - self._excused_since
        return self._excused_seconds + current

    @contextmanager
    def excused(self) -> Iterator[None]:
        """Excuses the time within: it counts towards no action's patience. For the action whose turn it is."""
        self._excused_since = loop_time()
        try:
            yield
        finally:
            self._excused_seconds, self._excused_since = self.excused_seconds, None

    async def acquire(self, action_id: ActionId | None, patience: Patience | None) -> Lease:
        """Waits for the turn. Raises TimeoutError if the patience is over before, and ShutdownRequested."""
        waiter = _Waiter(action_id, patience)
        pauses = exponential_backoff(_FIRST_RETRY_SECONDS, self._max_retry_seconds)
        await self._enter(waiter)
        while True:
            try:
                self.changed.clear()
                if lease := await self._leases.acquire(self.lane, action_id):
                    self.is_granted = True
                    return lease
                earlier = await self._leases.first(self.lane) if self._waiting else None
                if not self._is_waiting(earlier):
                    await self._wait_for_others(next(pauses), patience)
            except BaseException:
                self._leave()
                raise
            if self._waiting:
                self._leave(earlier)
                await self._enter(waiter)

    async def release(self, lease: Lease) -> None:
        """Ends a turn."""
        try:
            await self._leases.release(lease)
        finally:
            self.is_granted = False
            self._leave()

    async def _enter(self, waiter: _Waiter) -> None:
        """Waits until no other task here has the lane or tries to acquire it."""
        if not self._is_taken:
            self._is_taken = True
            return
        self._waiting.append(waiter)
        waiter.called.clear()
        try:
            await _wait(waiter)
        except BaseException:
            if waiter.called.is_set():
                self._leave()
            else:
                self._waiting.remove(waiter)
            raise

    def _leave(self, action_id: ActionId | None = None) -> None:
        """Lets this action go on if it waits here, otherwise the one that has waited longest."""
        self._is_taken = bool(self._waiting)
        if self._waiting:
            named = (place for place, waiter in enumerate(self._waiting) if waiter.action_id == action_id)
            self._waiting.pop(next(named, 0) if action_id is not None else 0).called.set()

    def _is_waiting(self, action_id: ActionId | None) -> bool:
        return action_id is not None and any(waiter.action_id == action_id for waiter in self._waiting)

    async def _wait_for_others(self, seconds: float, patience: Patience | None) -> None:
        """Waits a while for another process. Raises TimeoutError if the patience is over, and ShutdownRequested."""
        if patience is not None and patience.left <= 0:
            raise TimeoutError
        is_excused = patience is not None and await patience.are_others_steady()
        with self.excused() if is_excused else nullcontext():
            await self._shutdown.sleep(_LEAST_RETRY_SECONDS)
            await self._shutdown.wait(seconds, self.changed)


async def _wait(waiter: _Waiter) -> None:
    """Returns once the waiter is called. Raises TimeoutError if its patience is over before."""
    if waiter.patience is None:
        await waiter.called.wait()
        return
    while not waiter.called.is_set():
        if (left := waiter.patience.left) <= 0:
            raise TimeoutError
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await waiter.called.wait()


class ChannelLocks:
    """The outgoing lanes of all channels. Its length is the number of channels in use."""

    def __init__(self, leases: Leases, shutdown: Shutdown, max_retry_seconds: float = _MAX_RETRY_SECONDS) -> None:
        """`max_retry_seconds` is the longest time between two attempts to acquire a lane that another process has."""
        self._leases = leases
        self._shutdown = shutdown
        self._max_retry_seconds = max_retry_seconds
        self._queues: dict[ChannelId, ChannelQueue] = {}
        self._unfinished: dict[ActionId, AsyncExitStack] = {}

    def __len__(self) -> int:
        return len(self._queues)

    @property
    def are_any_granted(self) -> bool:
        """Whether this process may act in a channel at the moment."""
        return any(queue.is_granted for queue in self._queues.values())

    def notify(self) -> None:
        """Another process may have released a lane, or the turn of another action may have come."""
        for queue in self._queues.values():
            queue.changed.set()

    @asynccontextmanager
    async def until_concluded(self, action_id: ActionId) -> AsyncIterator[None]:
        """Holds the turns of an action to the end, so that the next action finds it concluded."""
        async with AsyncExitStack() as turns:
            self._unfinished[action_id] = turns
            try:
                yield
            finally:
                del self._unfinished[action_id]

    @contextmanager
    def queue(self, channel_id: ChannelId) -> Iterator[ChannelQueue]:
        """Yields the channel's queue, to a caller that is going to wait for a turn."""
        if (queue := self._queues.get(channel_id)) is None:
            queue = ChannelQueue(channel_id, self._leases, self._shutdown, self._max_retry_seconds)
            self._queues[channel_id] = queue
        queue.users += 1
        try:
            yield queue
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[channel_id]

    @asynccontextmanager
    async def turn(
        self,
        queue: ChannelQueue,
        action_id: ActionId | None = None,
        patience: Patience | None = None,
        *,
        ends_early: bool = False,
    ) -> AsyncIterator[Lease]:
        """Waits for the turn, and holds the channel; an action that does not end early does so until it is concluded.

        Raises TimeoutError if the patience is over before, and ShutdownRequested.
        """
        async with AsyncExitStack() as held:
            held.enter_context(self.queue(ChannelId(queue.lane)))
            lease = await queue.acquire(action_id, patience)
            held.push_async_callback(queue.release, lease)
            try:
                yield lease
            finally:
                if action_id in self._unfinished and not ends_early:
                    self._unfinished[action_id].push_async_exit(held.pop_all())

    @asynccontextmanager
    async def acquire(self, channel_id: ChannelId, action_id: ActionId | None = None) -> AsyncIterator[Lease]:
        """Holds the channel's lane: first come, first served, one at a time. Raises ShutdownRequested."""
        with self.queue(channel_id) as queue:
            async with self.turn(queue, action_id) as lease:
                yield lease
