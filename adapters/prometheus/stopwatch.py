"""A stopwatch, whose seconds count while they pass."""

import math
from collections.abc import Callable


class Stopwatch:
    """Measures the total duration of something that lasts repeatedly."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seconds = 0.0
        self._measured_at = monotonic()
        self._runs_until = -math.inf

    def run(self, seconds: float = math.inf) -> None:
        """Runs for `seconds`; no effect if it runs for longer anyway."""
        self._measure()
        self._runs_until = max(self._runs_until, self._measured_at + seconds)

    def stop(self) -> None:
        """Stops now."""
        self._measure()
        self._runs_until = -math.inf

    @property
    def value(self) -> float:
        """The seconds for which it has run."""
        self._measure()
        return self._seconds

    def _measure(self) -> None:
        before, self._measured_at = self._measured_at, self._monotonic()
        self._seconds += max(0.0, min(self._measured_at, self._runs_until) - before)
