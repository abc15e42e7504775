"""A clock that shows what the test sets."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

Observer: TypeAlias = Callable[[float], None]


class ManualClock:
    """Implements Clock."""

    def __init__(self, time: datetime) -> None:
        self.error = timedelta()
        """How far the time of day is ahead of the right time."""
        self.observers: list[Observer] = []
        """Called with the new `monotonic` whenever time passes."""
        self._start = self._time = time

    @property
    def time(self) -> datetime:
        """The right time. Setting it lets time pass."""
        return self._time

    @time.setter
    def time(self, time: datetime) -> None:
        self._time = time
        for observer in self.observers:
            observer(self.monotonic())

    def now(self) -> datetime:
        return self.time + self.error

    def monotonic(self) -> float:
        return (self.time - self._start).total_seconds()

    def step(self, seconds: float) -> None:
        """Sets the time of day ahead or back, while no time passes."""
        self.error += timedelta(seconds=seconds)
