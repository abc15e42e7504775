"""Time, so that no test has to wait for it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, and waiting for a later one."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For spans of time."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds; at once for zero or less. Cancellation ends it at once."""
