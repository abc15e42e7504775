"""The time of day. Durations are measured by the event loop, whose time tests control."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day."""

    def now(self) -> datetime:
        """Returns the current time, in UTC."""
