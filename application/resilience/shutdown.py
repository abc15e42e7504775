"""Graceful shutdown: one signal that stops every loop and interrupts every wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class ShutdownRequested(Exception):
    """The pack is to end: waits are abandoned, and unfinished work stays in the storage."""


class Shutdown:
    """Whether the pack is to end, and waits that end with it."""

    def __init__(self) -> None:
        self._signal = asyncio.Event()
        self._wakes: Counter[asyncio.Event] = Counter()
        """The events that waits in progress wait for; set on shutdown, so that no wait needs a task of its own."""
        self._is_grace_over = False
        self._in_progress: set[asyncio.Timeout] = set()
        """What the end of the grace period ends."""

    def request(self) -> None:
        """Asks every loop to end. Repeating it has no effect."""
        self._signal.set()
        for wake in self._wakes:
            wake.set()

    def end_grace(self) -> None:
        """Ends all that is `within_grace`."""
        self._is_grace_over = True
        for limit in self._in_progress:
            limit.reschedule(asyncio.get_running_loop().time())

    @property
    def is_requested(self) -> bool:
        """Whether `request` was called."""
        return self._signal.is_set()

    def raise_if_requested(self) -> None:
        """Raises ShutdownRequested if the pack is to end: nothing new may begin."""
        if self._signal.is_set():
            raise ShutdownRequested

    async def requested(self) -> None:
        """Returns when `request` is called."""
        await self._signal.wait()

    @asynccontextmanager
    async def within_grace(self) -> AsyncIterator[None]:
        """Raises ShutdownRequested when the grace period is over, also in tasks that are cancelled already."""
        if self._is_grace_over:
            raise ShutdownRequested
        limit = asyncio.timeout(None)
        self._in_progress.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise ShutdownRequested from None
            raise
        finally:
            self._in_progress.discard(limit)

    async def sleep(self, seconds: float) -> None:
        """Waits for `seconds`. Raises ShutdownRequested if the pack is to end before."""
        await self.wait(seconds)

    async def wait(self, seconds: float | None, wake: asyncio.Event | None = None) -> None:
        """Waits until the time is over (None: no limit) or `wake` is set; callers clear `wake` before they wait again.

        Raises ShutdownRequested if the pack is to end before.
        """
        self.raise_if_requested()
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
        else:
            await self._wait_for(wake or asyncio.Event(), seconds)
        self.raise_if_requested()

    async def _wait_for(self, wake: asyncio.Event, seconds: float | None) -> None:
        self._wakes[wake] += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()
        finally:
            self._wakes[wake] -= 1
            if not self._wakes[wake]:
                del self._wakes[wake]
