"""A clock that shows what the test sets."""

from datetime import datetime, timedelta


class ManualClock:
    """Implements Clock."""

    def __init__(self, time: datetime) -> None:
        self.time = time
        """The right time. Setting it lets time pass."""
        self.error = timedelta()
        """How far the time of day is ahead of the right time."""
        self._start = time

    def now(self) -> datetime:
        return self.time + self.error

    def monotonic(self) -> float:
        return (self.time - self._start).total_seconds()

    def step(self, seconds: float) -> None:
        """Sets the time of day ahead or back, while no time passes."""
        self.error += timedelta(seconds=seconds)
