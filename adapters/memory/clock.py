"""A clock that only moves when it is told to, so that an hour passes in an instant."""

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_SETTLING_ROUNDS = 50
"""Turns of the event loop given to whoever was woken, before anybody else is."""
_ROUNDING_SECONDS = 1e-9


@dataclass(order=True, slots=True)
class _Sleeper:
    wakes_at: float
    number: int
    woken: asyncio.Future[None] = field(compare=False)


class MemoryClock:
    """Clock of virtual time: `sleep` ends when `advance` has come that far, in the order of waking."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._seconds = 0.0
        self._sleepers: list[_Sleeper] = []
        self._number = 0
        self._somebody_sleeps = asyncio.Event()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._number += 1
        sleeper = _Sleeper(self._seconds + seconds, self._number, asyncio.get_running_loop().create_future())
        heapq.heappush(self._sleepers, sleeper)
        self._somebody_sleeps.set()
        await sleeper.woken

    @property
    def asleep(self) -> int:
        """How many sleep at the moment."""
        return sum(not sleeper.woken.done() for sleeper in self._sleepers)

    @property
    def next_wakes_in_seconds(self) -> float | None:
        """How far the clock would have to advance to wake somebody; None when nobody sleeps."""
        waking = [sleeper.wakes_at for sleeper in self._sleepers if not sleeper.woken.done()]
        return min(waking) - self._seconds if waking else None

    async def until_asleep(self, count: int = 1) -> None:
        """Return as soon as that many sleep."""
        while self.asleep < count:
            self._somebody_sleeps.clear()
            await self._somebody_sleeps.wait()

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, waking sleepers one by one; each one runs on before the next is woken."""
        until = self._seconds + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0].wakes_at <= until + _ROUNDING_SECONDS:
            sleeper = heapq.heappop(self._sleepers)
            if sleeper.woken.done():  # its task was cancelled
                continue
            self._seconds = max(self._seconds, sleeper.wakes_at)
            sleeper.woken.set_result(None)
            await self._settle()
        self._seconds = max(self._seconds, until)
        await self._settle()

    @staticmethod
    async def _settle() -> None:
        for _ in range(_SETTLING_ROUNDS):
            await asyncio.sleep(0)
