"""An ear in the memory chat."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from adapters.memory.chat import MemoryChat
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent
from domain.errors import ChatRejected


class MemoryReceiver:
    """Receiver of what is said in a MemoryChat. What is said while nobody listens waits."""

    def __init__(self, chat: MemoryChat, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[ChatEvent | Exception] = deque()
        self._something_waits = asyncio.Event()
        self._unacknowledged: dict[int, ChatEvent] = {}
        self._number = 0
        self.acknowledged: list[ChatEvent] = []
        """In the order of acknowledging."""
        self._opening: ChatEvent | Exception = Connected()
        chat.listeners.append(self.deliver)

    def deliver(self, event: ChatEvent | Exception) -> None:
        """Let whoever listens hear this next; an exception ends the listening."""
        self._waiting.append(event)
        self._something_waits.set()

    def reject(self, refusal: ChatRejected) -> None:
        """Let nobody listen from now on."""
        self._opening = refusal

    @property
    def is_busy(self) -> bool:
        """Whether something waits to be heard, or was heard and not acknowledged."""
        return bool(self._waiting or self._unacknowledged)

    def redeliver(self) -> int:
        """Let all be heard again that was heard and not acknowledged. Returns how much that is."""
        again, self._unacknowledged = list(self._unacknowledged.values()), {}
        for event in again:
            self.deliver(event)
        return len(again)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        self._waiting.appendleft(self._opening)
        self._something_waits.set()
        yield self

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        while not self._waiting:
            self._something_waits.clear()
            await self._something_waits.wait()
        event = self._waiting.popleft()
        if isinstance(event, Exception):
            raise event
        return self._arrival(event)

    def _arrival(self, event: ChatEvent) -> IncomingEvent:
        now = self._clock.now()
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if isinstance(event, Connected | Disconnected):
            return IncomingEvent(event, received_at, _nobody_waits)
        return IncomingEvent(event, received_at, self._owed(event))

    def _owed(self, event: ChatEvent) -> Callable[[], Awaitable[None]]:
        self._number += 1
        number = self._number
        self._unacknowledged[number] = event

        async def acknowledge() -> None:
            if self._unacknowledged.pop(number, None) is not None:
                self.acknowledged.append(event)

        return acknowledge


async def _nobody_waits() -> None:
    """Acknowledge what only this receiver knows of."""
