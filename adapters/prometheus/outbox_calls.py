"""Counts arrivals, and what waits in the outbox."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.waiting_entries import OnReturn, WaitingEntries
from domain.outbox import EventKind, OutboxEntry

STORED: Final = "stored"
REPEATED: Final = "repeated"
"""The event is known already, or its channel was left at this moment."""
CAUGHT_UP: Final = "caught_up"
"""The message was missed, and found in the history."""


def kind_label(kind: EventKind) -> str:
    """Returns the label of a kind of event."""
    return kind.name.lower()


class OutboxCalls:
    """Follows the outbox."""

    def __init__(self, metrics: Metrics, waiting: WaitingEntries) -> None:
        self._waiting = waiting
        found = [(kind, result) for kind in EventKind for result in (STORED, REPEATED)]
        self._arrivals = {
            (kind, result): metrics.arrivals.at(kind_label(kind), result)
            for kind, result in (*found, (EventKind.MESSAGE, CAUGHT_UP))
        }

    def handlers(self) -> Mapping[str, OnReturn]:
        """Returns what handles the calls of the outbox, by the name of the method."""
        return {
            "outbox.append": self._on_append,
            "outbox.ack": lambda _arguments, _result: self._waiting.on_done(),
            "outbox.dead_letter": lambda _arguments, _result: self._waiting.on_set_aside(),
            "outbox.backlog": lambda _arguments, backlog: self._waiting.on_report(backlog),
        }

    def _on_append(self, arguments: tuple[Any, ...], result: Any) -> None:
        entries: Sequence[OutboxEntry] = arguments[0]
        are_new: list[bool] = result
        if added := sum(are_new):
            self._waiting.on_added(added)
        for entry, is_new in zip(entries, are_new, strict=True):
            if not entry.is_backfilled:
                self._arrivals[entry.kind, STORED if is_new else REPEATED].inc()
            elif is_new:  # the history is read with an overlap: repeats say nothing
                self._arrivals[entry.kind, CAUGHT_UP].inc()
