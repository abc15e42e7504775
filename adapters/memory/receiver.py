"""A receiver of the events in a MemoryChat."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from adapters.memory.chat import MemoryChat
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent
from domain.errors import ChatRejected


class MemoryReceiver:
    """Implements Receiver. Events that occur while nothing is connected wait."""

    def __init__(self, chat: MemoryChat, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[ChatEvent | Exception] = deque()
        self._wake = asyncio.Event()
        self._unacknowledged: dict[int, ChatEvent] = {}
        self._number = 0
        self.acknowledged: list[ChatEvent] = []
        """In the order of acknowledgement."""
        self._first_event: ChatEvent | Exception = Connected()
        chat.listeners.append(self.deliver)

    def deliver(self, event: ChatEvent | Exception) -> None:
        """Delivers an event to the consumer; an exception ends its iteration."""
        self._waiting.append(event)
        self._wake.set()

    def reject(self, rejection: ChatRejected) -> None:
        """Refuses every consumer from now on."""
        self._first_event = rejection

    @property
    def is_busy(self) -> bool:
        """Whether an event waits to be consumed or acknowledged."""
        return bool(self._waiting or self._unacknowledged)

    def redeliver(self) -> int:
        """Delivers the unacknowledged events again. Returns how many there are."""
        again, self._unacknowledged = list(self._unacknowledged.values()), {}
        for event in again:
            self.deliver(event)
        return len(again)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        self._waiting.appendleft(self._first_event)
        self._wake.set()
        yield self

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        event = self._waiting.popleft()
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Connected | Disconnected):
            return IncomingEvent.received(event, self._clock.now())
        return IncomingEvent.received(event, self._clock.now(), self._expect_ack(event))

    def _expect_ack(self, event: ChatEvent) -> Callable[[], Awaitable[None]]:
        self._number += 1
        number = self._number
        self._unacknowledged[number] = event

        async def acknowledge() -> None:
            if self._unacknowledged.pop(number, None) is not None:
                self.acknowledged.append(event)

        return acknowledge
