"""Counts actions and measures them, and counts what waits in the journal."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.waiting_entries import OnReturn, WaitingEntries
from application.catalog.commands import COMMANDS, COMMANDS_BY_NAME
from domain.actions import Action, ActionId, JournalEntry
from domain.commands import Command, command_name
from domain.events import CommandOutcome, Fatal, Outcome

_SUCCEEDED: Final = "succeeded"
_FAILED: Final = "failed"
_FATAL: Final = "fatal"
_OTHER: Final = "other"
_ENDINGS: Final = {spec.success: (spec.name, _SUCCEEDED) for spec in COMMANDS} | {
    spec.failure: (spec.name, _FAILED) for spec in COMMANDS
}
"""The command and the outcome that each event tells."""


class JournalCalls:
    """Follows the journal."""

    def __init__(
        self,
        metrics: Metrics,
        waiting: WaitingEntries,
        monotonic: Callable[[], float],
        chat_now: Callable[[], datetime],
    ) -> None:
        """`chat_now` returns the time by the clock that the journal uses."""
        self._waiting = waiting
        self._monotonic = monotonic
        self._chat_now = chat_now
        known = [(command, outcome) for command in COMMANDS_BY_NAME for outcome in (_SUCCEEDED, _FAILED, _FATAL)]
        self._counts = {labels: metrics.actions.at(*labels) for labels in (*known, (_OTHER, _FATAL))}
        self._seconds = metrics.action
        self._seconds.at("SendMessage")  # others are shown once there are some
        self._in_hand: dict[ActionId, tuple[str, float]] = {}
        """The command of each action, and when it was taken, by `monotonic`."""

    def handlers(self) -> Mapping[str, OnReturn]:
        """Returns what handles the calls of the journal, by the name of the method."""
        return {
            "journal.record": self._on_record,
            "journal.claim_orphans": self._on_claimed,
            "journal.set_outcome": self._on_outcome,
            "journal.mark_reported": self._on_reported,
            "journal.dead_letter": self._on_dead_letter,
            "journal.give_back": lambda arguments, _result: self.forget(arguments[0]),
            "journal.backlog": lambda _arguments, backlog: self._waiting.on_report(backlog),
        }

    def forget(self, action_id: ActionId) -> None:
        """Another process continues this action."""
        self._in_hand.pop(action_id, None)

    def _on_record(self, arguments: tuple[Any, ...], known: JournalEntry | None) -> None:
        action: Action = arguments[0]
        if known is None:
            self._waiting.on_added()
            self._in_hand[action.id] = _label(action.command), self._monotonic()

    def _on_claimed(self, _arguments: tuple[Any, ...], entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            age = max(0.0, (self._chat_now() - entry.taken_at).total_seconds())
            self._in_hand[entry.action.id] = _label(entry.action.command), self._monotonic() - age

    def _on_outcome(self, arguments: tuple[Any, ...], _completed_at: datetime) -> None:
        action_id, outcome = arguments
        if isinstance(outcome, Fatal):
            command, _ = self._in_hand.get(action_id, (_OTHER, 0.0))
            self._counts[command, _FATAL].inc()
        else:
            self._counts[_ENDINGS[_event(outcome)]].inc()

    def _on_reported(self, arguments: tuple[Any, ...], _result: None) -> None:
        self._waiting.on_done()
        if in_hand := self._in_hand.pop(arguments[0], None):
            command, taken_at = in_hand
            self._seconds.at(command).observe(self._monotonic() - taken_at)

    def _on_dead_letter(self, arguments: tuple[Any, ...], _result: None) -> None:
        self._waiting.on_set_aside()
        self.forget(arguments[0])


def _label(command: Command) -> str:
    name = command_name(command)
    return name if name in COMMANDS_BY_NAME else _OTHER


def _event(outcome: Outcome) -> str:
    return outcome.name if isinstance(outcome, CommandOutcome) else type(outcome).__name__
