"""Graceful shutdown: one signal that stops every loop and interrupts every wait."""

import asyncio


class ShutdownRequested(Exception):
    """The pack is to end: waits are abandoned, and unfinished work stays in the storage."""


class Shutdown:
    """Whether the pack is to end, and waits that end with it."""

    def __init__(self) -> None:
        self._signal = asyncio.Event()

    def request(self) -> None:
        """Asks every loop to end. Repeating it has no effect."""
        self._signal.set()

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

    async def sleep(self, seconds: float) -> None:
        """Waits so long. Raises ShutdownRequested if the pack is to end before."""
        await self.wait(seconds)

    async def wait(self, seconds: float | None, wake: asyncio.Event | None = None) -> None:
        """Waits until the time is over (None: no limit) or `wake` is set; callers clear `wake` before they wait again.

        Raises ShutdownRequested if the pack is to end before.
        """
        self.raise_if_requested()
        if wake is None or not wake.is_set():
            await self._wait_for_first(seconds, wake)
        self.raise_if_requested()

    async def _wait_for_first(self, seconds: float | None, wake: asyncio.Event | None) -> None:
        waits = [asyncio.create_task(self._signal.wait(), name="shutdown")]
        if wake is not None:
            waits.append(asyncio.create_task(wake.wait(), name="wake"))
        try:
            timeout = None if seconds is None else max(0.0, seconds)
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
