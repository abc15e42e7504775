"""The number of waiting entries in the storage, tracked without asking it."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from adapters.prometheus.numbers import Gauge, Metric
from domain.outbox import Backlog

OnReturn: TypeAlias = Callable[[tuple[Any, ...], Any], None]
"""Gets the positional arguments and the result of a call of the storage that has returned."""


class WaitingEntries:
    """The storage's latest report of a queue, and what this process has changed since.

    Nothing is known before the first report, and what another process changes shows with the next one.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._is_known = False
        self._waiting = 0
        self._set_aside = 0
        self._oldest_since = 0.0

    def show(self, entries: Metric[Gauge], oldest: Metric[Gauge]) -> None:
        """Shows the numbers as a gauge with the label `state`, and the age of the oldest as another one."""
        entries.at("waiting").get = lambda: self._waiting if self._is_known else math.nan
        entries.at("set_aside").get = lambda: self._set_aside if self._is_known else math.nan
        oldest.at().get = lambda: self._oldest_seconds() if self._is_known else math.nan

    def on_report(self, backlog: Backlog) -> None:
        """The storage has counted."""
        self._is_known = True
        self._waiting, self._set_aside = backlog.waiting, backlog.dead_lettered
        self._oldest_since = self._monotonic() - backlog.oldest_waited_seconds

    def on_added(self, count: int = 1) -> None:
        """Adds `count` waiting entries."""
        if not self._waiting:
            self._oldest_since = self._monotonic()
        self._waiting += count

    def on_done(self) -> None:
        """Removes a waiting entry."""
        self._waiting = max(0, self._waiting - 1)

    def on_set_aside(self) -> None:
        """Removes a waiting entry that was set aside."""
        self.on_done()
        self._set_aside += 1

    def _oldest_seconds(self) -> float:
        """How long the oldest has waited, by the latest report; 0 if nothing waits."""
        return max(0.0, self._monotonic() - self._oldest_since) if self._waiting else 0.0
