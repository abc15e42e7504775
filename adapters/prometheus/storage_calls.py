"""Follows the storage: what waits in it, how long writes take, and which calls fail."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from adapters.prometheus.journal_calls import JournalCalls
from adapters.prometheus.metrics import Metrics
from adapters.prometheus.on_return import OnReturn
from adapters.prometheus.outbox_calls import OutboxCalls
from adapters.prometheus.waiting_entries import WaitingEntries
from application.ports.telemetry import Telemetry, Window
from application.resilience.observation import Observe
from domain.errors import LeaseLost, StorageError
from domain.gaps import Gap

_WRITES: Final = frozenset(
    f"{part}.{method}"
    for part, methods in {
        "outbox": ("append", "ack", "dead_letter", "release"),
        "journal": (
            *("record", "plan_steps", "begin_step", "undo_begin_step", "complete_step", "set_outcome"),
            *("mark_reported", "dead_letter"),
        ),
        "message_keys": ("reserve", "bind", "touch", "release", "free"),
        "channels": ("join", "leave"),
        "gaps": ("add", "close"),
    }.items()
    for method in methods
)
"""What a message or an action waits for until it is on disk."""
_EXECUTED: Final = ("journal.complete_step", "journal.set_outcome")
"""If these find the lease lost, the action was executed all the same."""


class StorageCalls:
    """Observes a storage."""

    def __init__(
        self,
        metrics: Metrics,
        telemetry: Telemetry,
        monotonic: Callable[[], float],
        chat_now: Callable[[], datetime],
    ) -> None:
        """`chat_now` returns the time by which the journal goes."""
        self._telemetry = telemetry
        self._commit = metrics.storage_commit
        self._errors = metrics.storage_errors
        self._gaps: set[Gap] = set()
        outbox, journal = WaitingEntries(monotonic), WaitingEntries(monotonic)
        outbox.show(metrics.outbox_entries, metrics.outbox_oldest)
        journal.show(metrics.journal_entries, metrics.journal_oldest)
        metrics.backfill_channels.set_function(self._count_backfill_channels)
        self._journal = JournalCalls(metrics, journal, monotonic, chat_now)
        self._handlers = {
            **OutboxCalls(metrics, outbox).handlers(),
            **self._journal.handlers(),
            **self._handlers_of_gaps(),
        }

    def observer_of(self, name: str) -> Observe:
        """Implements ObserverOf."""
        is_write, handler = name in _WRITES, self._handlers.get(name)

        def observe(arguments: tuple[Any, ...], seconds: float, result: Any, error: Exception | None) -> None:
            if error is not None:
                self._on_error(name, arguments, error)
                return
            if is_write:
                self._commit.observe(seconds)
            if handler is not None:
                handler(arguments, result)

        return observe

    def _on_error(self, name: str, arguments: tuple[Any, ...], error: Exception) -> None:
        if isinstance(error, StorageError):
            self._errors.inc()
        elif isinstance(error, LeaseLost) and name.startswith("journal."):
            self._journal.forget(arguments[0])
            if name in _EXECUTED:
                self._telemetry.note(Window.FROZEN_BEFORE_POST)

    def _handlers_of_gaps(self) -> Mapping[str, OnReturn]:
        return {"gaps.pending": self._on_pending_gaps, "gaps.close": self._on_gap_closed}

    def _on_pending_gaps(self, _arguments: tuple[Any, ...], gaps: list[Gap]) -> None:
        self._gaps = set(gaps)

    def _on_gap_closed(self, arguments: tuple[Any, ...], _result: None) -> None:
        self._gaps.discard(arguments[0])

    def _count_backfill_channels(self) -> int:
        return len({gap.channel_id for gap in self._gaps})
