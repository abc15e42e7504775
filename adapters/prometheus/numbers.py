"""Numbers that are counted within the event loop's thread: the library's own ones take a lock for each step."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar


class Count:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """Counts one more."""
        self.value += 1


class Gauge:
    """A number that is looked up when it is shown."""

    __slots__ = ("get",)

    def __init__(self) -> None:
        self.get: Callable[[], float] = float
        """Returns the number, which is NaN while it is unknown; 0 until this is replaced."""


class Durations:
    """How many durations fell into each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        """The upper bounds of the buckets, in seconds; there is one more for longer ones."""
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Metric(Generic[N]):
    """A metric, and its series by the values of their labels."""

    name: str
    """The name without prefix and `_total`."""
    explanation: str
    new: Callable[[], N]
    labels: tuple[str, ...] = ()
    _series: dict[tuple[str, ...], N] = field(default_factory=dict)

    def at(self, *values: str) -> N:
        """Returns the series with these values of the labels, which is shown from then on."""
        if (series := self._series.get(values)) is None:
            series = self._series[values] = self.new()
        return series

    def series(self) -> Iterator[tuple[tuple[str, ...], N]]:
        """Yields the values of the labels and the number of each series."""
        return iter(self._series.items())
