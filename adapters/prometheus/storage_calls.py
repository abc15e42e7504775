"""Follows the storage: what waits in it, how long writes take, and which calls fail."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from adapters.prometheus.journal_calls import JournalCalls
from adapters.prometheus.metrics import Metrics
from adapters.prometheus.outbox_calls import OutboxCalls
from adapters.prometheus.waiting_entries import OnReturn, WaitingEntries
from application.ports.telemetry import Telemetry, Window
from application.resilience.observation import Observer
from domain.errors import LeaseLost
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
"""The writes for which a message or an action waits until they are on disk."""
_EXECUTED: Final = ("journal.complete_step", "journal.set_outcome")
"""If one of these calls finds the lease lost, the action was executed nevertheless."""


class StorageCalls:
    """Observes a storage."""

    def __init__(
        self,
        metrics: Metrics,
        telemetry: Telemetry,
        monotonic: Callable[[], float],
        chat_now: Callable[[], datetime],
    ) -> None:
        """`chat_now` returns the time by the clock that the journal uses."""
        self._telemetry = telemetry
        self._commit = metrics.commit.at()
        self._gaps: set[Gap] = set()
        outbox, journal = WaitingEntries(monotonic), WaitingEntries(monotonic)
        outbox.show(metrics.outbox_entries, metrics.outbox_oldest)
        journal.show(metrics.journal_entries, metrics.journal_oldest)
        metrics.backfill_channels.at().get = self._count_backfill_channels
        self._journal = JournalCalls(metrics, journal, monotonic, chat_now)
        self._handlers = {
            **OutboxCalls(metrics, outbox).handlers(),
            **self._journal.handlers(),
            **self._handlers_of_gaps(),
        }

    def observer_of(self, name: str) -> Observer | None:
        """Implements ObserverOf. Calls that reveal nothing are not observed."""
        handler = self._handlers.get(name)
        if name in _WRITES:
            on_error = partial(self._on_error, name) if name.startswith("journal.") else None
            return Observer(self._on_write if handler is None else partial(self._on_handled_write, handler), on_error)
        return Observer(partial(self._on_read, handler)) if handler else None

    def _on_write(self, _arguments: tuple[Any, ...], _result: Any, seconds: float) -> None:
        self._commit.observe(seconds)

    def _on_handled_write(self, handler: OnReturn, arguments: tuple[Any, ...], result: Any, seconds: float) -> None:
        self._commit.observe(seconds)
        handler(arguments, result)

    def _on_read(self, handler: OnReturn, arguments: tuple[Any, ...], result: Any, _seconds: float) -> None:
        handler(arguments, result)

    def _on_error(self, name: str, arguments: tuple[Any, ...], error: Exception, _seconds: float) -> None:
        if isinstance(error, LeaseLost):
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
