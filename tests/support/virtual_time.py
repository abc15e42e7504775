"""Virtual time in tests: see `adapters.memory.clock`."""

import asyncio
from datetime import datetime, timedelta

from adapters.memory.clock import VirtualClock
from application.ports.clock import Clock

_MOMENT = 1e-8
"""The seconds that `settle` takes: virtual time passes only once everything has happened that is due."""


class TestTime(VirtualClock):
    """The virtual clock, and the test's control over it."""

    __test__ = False

    @property
    def elapsed(self) -> float:
        """The virtual seconds since the test's event loop was created."""
        return asyncio.get_running_loop().time()

    async def advance(self, seconds: float) -> None:
        """Lets time pass, and everything happen that is due by then."""
        await asyncio.sleep(seconds)
        await self.settle()

    async def settle(self) -> None:
        """Lets everything happen that is due now."""
        await asyncio.sleep(_MOMENT)


class SteppedClock:
    """The clock of a machine, which may be wrong and may be set while it runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def step(self, seconds: float) -> None:
        """Sets the clock forward, or back by a negative number. No time passes."""
        self._ahead += timedelta(seconds=seconds)
