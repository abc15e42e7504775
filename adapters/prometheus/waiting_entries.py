"""How much waits in the storage, known without asking it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from adapters.prometheus.numbers import Gauge, Metric
from domain.outbox import Backlog

OnReturn: TypeAlias = Callable[[tuple[Any, ...], Any], None]
"""Is told of a call of the storage that has returned: its positional arguments and its result."""


class WaitingEntries:
    """The storage's latest report of a queue, and what this process has changed since.

    What another process changes shows with the next report.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.waiting = 0
        self.set_aside = 0
        self._oldest_since = 0.0

    def show(self, entries: Metric[Gauge], oldest: Metric[Gauge]) -> None:
        """Shows the numbers as a gauge with the label `state`, and the age of the oldest as another one."""
        entries.at("waiting").get = lambda: self.waiting
        entries.at("set_aside").get = lambda: self.set_aside
        oldest.at().get = lambda: self.oldest_seconds

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest has waited, by the latest report; 0 if nothing waits."""
        return max(0.0, self._monotonic() - self._oldest_since) if self.waiting else 0.0

    def on_report(self, backlog: Backlog) -> None:
        """The storage has counted."""
        self.waiting, self.set_aside = backlog.waiting, backlog.dead_lettered
        self._oldest_since = self._monotonic() - backlog.oldest_waited_seconds

    def on_added(self, count: int = 1) -> None:
        """So many more wait."""
        if not self.waiting:
            self._oldest_since = self._monotonic()
        self.waiting += count

    def on_done(self) -> None:
        """One waits no longer."""
        self.waiting = max(0, self.waiting - 1)

    def on_set_aside(self) -> None:
        """One waits no longer, and was set aside."""
        self.on_done()
        self.set_aside += 1
