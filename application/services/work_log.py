"""Logs the work that is done: a line for each delivered event and each executed action, and figures once an hour."""

import structlog

from application.catalog.outcomes import summary_of
from application.health import ChatHealth
from application.loop_time import loop_time
from application.ports.clock import Clock
from domain.commands import Command, command_name
from domain.events import Outcome
from domain.messages import incoming_key
from domain.outbox import Backlog, InboundEvent, OutboxEntry

log = structlog.get_logger()

_FIGURES_SECONDS = 3600.0
_CALM_SECONDS = 5.0
"""The time without another failed action after which their number is logged."""
_REPORT_SECONDS = 60.0
"""The interval at which their number is logged while actions keep failing."""


class WorkLog:
    """The log of the work of this process."""

    def __init__(self, clock: Clock, chat_health: ChatHealth) -> None:
        self._clock = clock
        self._chat_health = chat_health
        self._counting_since: float | None = None
        """The beginning of the figures, by the event loop's time."""
        self._heard = self._delivered = self._executed = self._failed = 0
        self._refused = _Refusals()

    def on_heard(self, count: int) -> None:
        """Counts new events from the chat service that were stored."""
        self._heard += count

    def on_delivered(self, entry: OutboxEntry) -> None:
        """Logs that the workflow engine has the event; `lag` is the number of seconds since the pack received it."""
        self._delivered += 1
        lag = (self._clock.now() - entry.received_at).total_seconds()
        log.info("message_delivered", **_place_of(entry.event), lag=round(max(0.0, lag), 3))

    def on_executed(self, command: Command, outcome: Outcome, seconds: float) -> None:
        """Logs an executed action; a failure is a warning, for the author of the flow or the operator."""
        summary = summary_of(command, outcome)
        self._executed += 1
        place = _present(channel=summary.channel, ts=summary.timestamp)
        fields = {"command": command_name(command), "outcome": summary.event, **place, "seconds": round(seconds, 3)}
        if not summary.code:
            log.info("action_concluded", **fields)
            return
        self._failed += 1
        log.warning("action_concluded", code=summary.code, **fields)
        if summary.code == self._chat_health.refusal_code:
            self._refused.on_failed(summary.code)

    def report(self, outbox: Backlog, journal: Backlog) -> None:
        """Logs the figures that are due; to be called every few seconds."""
        self._refused.report_if_due()
        now = loop_time()
        if self._counting_since is None:
            self._counting_since = now
        elif (seconds := now - self._counting_since) >= _FIGURES_SECONDS:
            self._counting_since = now
            self._log_figures(seconds, outbox, journal)

    def report_at_end(self) -> None:
        """Logs the remaining figures; to be called when the pack ends."""
        self._refused.report()

    def _log_figures(self, seconds: float, outbox: Backlog, journal: Backlog) -> None:
        oldest = [backlog.oldest_at for backlog in (outbox, journal) if backlog.oldest_at]
        log.info(
            "figures",
            hours=round(seconds / 3600, 1),
            heard=self._heard,
            delivered=self._delivered,
            actions=self._executed,
            failed=self._failed,
            waiting=outbox.waiting,
            in_hand=journal.waiting,
            set_aside=outbox.dead_lettered + journal.dead_lettered,
            oldest=min(oldest).isoformat(timespec="milliseconds") if oldest else "",
        )
        self._heard = self._delivered = self._executed = self._failed = 0


class _Refusals:
    """How many actions have failed because the chat service refuses the token."""

    def __init__(self) -> None:
        self._code = ""
        self._count = 0
        self._logged = 0
        self._first_unlogged_at = self._last_at = 0.0

    def on_failed(self, code: str) -> None:
        now = loop_time()
        if self._count == self._logged:
            self._first_unlogged_at = now
        self._code, self._last_at = code, now
        self._count += 1

    def report_if_due(self) -> None:
        now = loop_time()
        if now >= self._last_at + _CALM_SECONDS or now >= self._first_unlogged_at + _REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        if self._count > self._logged:
            self._logged = self._count
            find = f'lines "action_concluded" with "code": "{self._code}"; their flows got the failure event'
            log.error("actions_refused", count=self._count, code=self._code, find=find)


def _place_of(event: InboundEvent) -> dict[str, str]:
    """Returns the channel and the timestamp of the message that an event is about, and the key of its thread."""
    timestamp, thread = getattr(event, "timestamp", ""), getattr(event, "thread_timestamp", "")
    is_reply = thread not in ("", timestamp)
    return _present(
        channel=event.channel_id, ts=timestamp, thread=incoming_key(event.channel_id, thread) if is_reply else ""
    )


def _present(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
