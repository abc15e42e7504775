"""Graceful shutdown: one signal that stops every loop and interrupts every wait."""

import asyncio
from typing import Any


class ShutdownRequested(Exception):
    """The pack is to end: waits are abandoned, and unfinished work stays in the storage."""


class Shutdown:
    """Whether the pack is to end, and waits that end with it."""

    def __init__(self) -> None:
        self._signal = asyncio.Event()
        self._until_requested: asyncio.Future[None] | None = None
        """Done once the pack is to end; shared by all waits, which need no tasks of their own for that."""

    def request(self) -> None:
        """Asks every loop to end. Repeating it has no effect."""
        self._signal.set()
        if self._until_requested is not None and not self._until_requested.done():
            self._until_requested.set_result(None)

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
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
        elif wake is None or not wake.is_set():
            await self._wait_for_first(seconds, wake)
        self.raise_if_requested()

    async def _wait_for_first(self, seconds: float | None, wake: asyncio.Event | None) -> None:
        if self._until_requested is None:
            self._until_requested = asyncio.get_running_loop().create_future()
        if wake is None:
            await asyncio.wait({self._until_requested}, timeout=seconds)
            return
        waking = asyncio.create_task(wake.wait(), name="wake")
        try:
            first: set[asyncio.Future[Any]] = {self._until_requested, waking}
            await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            await asyncio.gather(waking, return_exceptions=True)
