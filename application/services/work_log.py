"""Logs each delivered event and each concluded action: one line for an entry in which all goes well."""

import structlog

from application.catalog.outcomes import summary_of
from application.ports.clock import Clock
from domain.commands import Command, command_name
from domain.events import Outcome
from domain.outbox import OutboxEntry

log = structlog.get_logger()


class WorkLog:
    """The log of the work that is done."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_delivered(self, entry: OutboxEntry) -> None:
        """The workflow engine has the event. `lag` tells the seconds since the pack received it."""
        lag = (self._clock.now() - entry.received_at).total_seconds()
        place = _present(channel=str(entry.event.channel_id), ts=getattr(entry.event, "timestamp", ""))
        log.info("message_delivered", **place, lag=round(max(0.0, lag), 3))

    def on_concluded(self, command: Command, outcome: Outcome, seconds: float) -> None:
        """An action was executed. A failure is something to look at for the author of the flow, or the operator."""
        summary = summary_of(command, outcome)
        place = _present(channel=summary.channel, ts=summary.timestamp)
        fields = {"command": command_name(command), "outcome": summary.event, **place, "seconds": round(seconds, 3)}
        if summary.code:
            log.warning("action_concluded", code=summary.code, **fields)
        else:
            log.info("action_concluded", **fields)


def _present(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
