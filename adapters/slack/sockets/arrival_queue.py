"""Where arrivals wait for the application, a bounded number of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, IncomingEvent

_LIMIT = 1_000


async def no_acknowledgement() -> None:
    """The acknowledgement of what Slack expects none for."""


class EventQueue:
    """First in, first out; a full one makes who puts wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: asyncio.Queue[IncomingEvent | Exception] = asyncio.Queue(_LIMIT)

    async def put(self, event: ChatEvent, acknowledge: Callable[[], Awaitable[None]] = no_acknowledgement) -> None:
        """Something was heard, now."""
        now = self._clock.now()
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        await self._waiting.put(IncomingEvent(event, received_at, acknowledge))

    async def fail(self, error: Exception) -> None:
        """Nothing more will be heard; who listens learns why, after what was heard before."""
        await self._waiting.put(error)

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        item = await self._waiting.get()
        if isinstance(item, Exception):
            raise item
        return item
