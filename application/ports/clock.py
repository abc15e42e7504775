"""The time of day, and the passing of time for storages; other durations are measured by the event loop."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day, which may be set at any moment, and how time passes."""

    def now(self) -> datetime:
        """Returns the time of day, in UTC."""

    def monotonic(self) -> float:
        """Returns seconds since some moment: they only grow, and setting the time of day does not change them."""
