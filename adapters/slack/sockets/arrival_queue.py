"""The channel between Slack's connections and the consumer of their events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, IncomingEvent

HANDOVER_SIZE = 16
"""So many events in a burst cost one switch between producer and consumer, not one each."""


async def no_acknowledgement() -> None:
    """The acknowledgement of an event for which Slack expects none."""


class EventQueue:
    """Hands events over in order: buffering them is up to the consumer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: asyncio.Queue[IncomingEvent | Exception] = asyncio.Queue(HANDOVER_SIZE)
        self._turn = asyncio.Lock()
        """Keeps the order: a call to `Queue.put` can overtake one that waits for room."""

    async def put(self, event: ChatEvent, acknowledge: Callable[[], Awaitable[None]] = no_acknowledgement) -> None:
        """Adds an event received now. Waits while the consumer has yet to take `HANDOVER_SIZE` events."""
        now = self._clock.now()
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        await self._put(IncomingEvent(event, received_at, acknowledge))

    async def fail(self, error: Exception) -> None:
        """Makes the iterator raise `error` after the events put so far."""
        await self._put(error)

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        item = await self._next.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def _put(self, item: IncomingEvent | Exception) -> None:
        async with self._turn:
            await self._next.put(item)
