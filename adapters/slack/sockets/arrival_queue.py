"""The channel between Slack's connections and the consumer of their events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, IncomingEvent, acknowledge_nothing, is_interaction

HANDOVER_SIZE = 16
"""The number of events in a burst that cost one switch between producer and consumer, instead of one each."""

Acknowledge: TypeAlias = Callable[[], Awaitable[None]]


class EventQueue:
    """Hands events over in order, but interactions first: buffering them is up to the consumer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrived = asyncio.Event()
        self._interactions = _Lane()
        self._others = _Lane()

    async def put(self, events: Sequence[ChatEvent], acknowledge: Acknowledge = acknowledge_nothing) -> None:
        """Adds events received now, to be acknowledged together, which happens once.

        Waits while the consumer has yet to take `HANDOVER_SIZE` events of the kind.
        """
        now = self._clock.now()
        for event, acknowledge_part in zip(events, _parts(acknowledge, len(events)), strict=True):
            lane = self._interactions if is_interaction(event) else self._others
            await self._put(IncomingEvent.received(event, now, acknowledge_part), lane)

    async def fail(self, error: Exception) -> None:
        """Makes the iterator raise `error` after the events put so far."""
        await self._put(error, self._others)

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        while self._interactions.queue.empty() and self._others.queue.empty():
            self._arrived.clear()
            await self._arrived.wait()
        lane = self._others if self._interactions.queue.empty() else self._interactions
        item = lane.queue.get_nowait()
        if isinstance(item, Exception):
            raise item
        return item

    async def _put(self, item: IncomingEvent | Exception, lane: "_Lane") -> None:
        async with lane.turn:
            await lane.queue.put(item)
        self._arrived.set()


class _Lane:
    """Events that arrive in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[IncomingEvent | Exception] = asyncio.Queue(HANDOVER_SIZE)
        self.turn = asyncio.Lock()
        """Keeps the order: a call to `Queue.put` can overtake one that waits for room."""


def _parts(acknowledge: Acknowledge, count: int) -> list[Acknowledge]:
    """Returns `count` acknowledgements; `acknowledge` is called once all of them were given."""
    missing = set(range(count))

    async def give(part: int) -> None:
        if part in missing:
            missing.remove(part)
            if not missing:
                await acknowledge()

    return [partial(give, part) for part in range(count)]
