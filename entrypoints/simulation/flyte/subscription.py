"""Lets people and tests look on while a simulated Flyte works."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from entrypoints.simulation.flyte.trace import TraceEvent

LIMIT = 10_000


class Subscription:
    """Everything that happens, in order, for one who looks on; the oldest go when nobody reads them."""

    def __init__(self) -> None:
        self._happenings: deque[TraceEvent] = deque()
        self._news = asyncio.Event()
        self.dropped = 0

    def publish(self, happening: TraceEvent) -> None:
        """Note something that happened."""
        if len(self._happenings) >= LIMIT:
            self._happenings.popleft()
            self.dropped += 1
        self._happenings.append(happening)
        self._news.set()

    def drain(self) -> list[TraceEvent]:
        """What has happened since it was last asked; does not wait."""
        happenings = list(self._happenings)
        self._happenings.clear()
        self._news.clear()
        return happenings

    async def __aiter__(self) -> AsyncIterator[TraceEvent]:
        while True:
            while self._happenings:
                yield self._happenings.popleft()
            self._news.clear()
            await self._news.wait()
