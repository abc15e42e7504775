"""Ending in good order: the one signal that all loops and all waits heed."""

import asyncio

from application.ports.clock import Clock


class ShutdownRequested(Exception):
    """The pack is to end: whoever waits gives up, and what is in hand stays where it is kept."""


class Shutdown:
    """Whether the pack is to end, and waiting that ends with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signal = asyncio.Event()

    def request(self) -> None:
        """Ask every loop to end. Asking twice does no harm."""
        self._signal.set()

    @property
    def is_requested(self) -> bool:
        """Whether the end was asked for."""
        return self._signal.is_set()

    def raise_if_requested(self) -> None:
        """Raise Stopping when the end was asked for: nothing new is begun then."""
        if self._signal.is_set():
            raise ShutdownRequested

    async def requested(self) -> None:
        """Return when the end is asked for."""
        await self._signal.wait()

    async def sleep(self, seconds: float) -> None:
        """Wait that long. Raises Stopping when the end is asked for before."""
        await self.wait(seconds)

    async def wait(self, seconds: float | None, wake: asyncio.Event | None = None) -> None:
        """Wait until the seconds are over (None: without end) or `wake` is set; who waits again clears it first.

        Raises Stopping when the end is asked for before.
        """
        self.raise_if_requested()
        if wake is None or not wake.is_set():
            await self._wait_for_first(seconds, wake)
        self.raise_if_requested()

    async def _wait_for_first(self, seconds: float | None, wake: asyncio.Event | None) -> None:
        ends: list[asyncio.Task[bool] | asyncio.Task[None]] = [asyncio.create_task(self._signal.wait(), name="stop")]
        if wake is not None:
            ends.append(asyncio.create_task(wake.wait(), name="wake"))
        if seconds is not None:
            ends.append(asyncio.create_task(self._clock.sleep(seconds), name="sleep"))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
