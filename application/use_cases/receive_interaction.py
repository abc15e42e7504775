"""Stores interactions, in time for the chat service to show their users whether they were received."""

import structlog

from application.log_context import log_about_event
from application.loop_time import loop_time
from application.ports.clock import Clock
from application.ports.receiver import IncomingEvent
from application.ports.storage import Storage
from application.ports.telemetry import ArrivalDropped, Telemetry, Window
from application.services.work_log import WorkLog
from application.services.workspace_filter import WorkspaceFilter
from domain.errors import TooLate
from domain.interactions import INTERACTIONS
from domain.outbox import outbox_entry

log = structlog.get_logger()

_STORED_WITHIN_SECONDS = 2.5
"""The time limit from its arrival. After 3 s the chat service shows its user an error, and never repeats it."""


class ReceiveInteraction:
    """Handles clicks, commands, shortcuts and forms."""

    def __init__(
        self,
        storage: Storage,
        workspaces: WorkspaceFilter,
        work_log: WorkLog,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._outbox = storage.outbox
        self._workspaces = workspaces
        self._work_log = work_log
        self._clock = clock
        self._telemetry = telemetry
        self._late = 0

    async def receive(self, incoming: IncomingEvent) -> bool:
        """Stores an interaction and acknowledges it. Returns whether it was new.

        One that can't be stored within 2.5 s of its arrival is neither stored nor acknowledged: its user sees the
        failure. If the time ends while it is written, it stays, unacknowledged. Raises ShutdownRequested if the pack
        is to end before; then it was not acknowledged.
        """
        event = await self._workspaces.own(incoming.event)
        if not isinstance(event, INTERACTIONS):
            await incoming.acknowledge()
            return False
        entry = outbox_entry(event, incoming.received_at)
        log_about_event(entry)
        seconds_left = self._seconds_left(incoming)
        deadline = loop_time() + seconds_left
        try:
            (is_new,) = await self._outbox.append([entry], within_seconds=seconds_left)
        except TooLate:
            self._telemetry.note(ArrivalDropped(entry.kind))
            log.warning("interaction_dropped", reason="it could not be stored in time")
            return False
        self._work_log.on_heard(int(is_new))
        if loop_time() > deadline:
            self._late += 1
            self._telemetry.note(Window.LATE_INTERACTION)
            log.warning("late_interaction", count=self._late)
        else:
            await incoming.acknowledge()
        return is_new

    def _seconds_left(self, incoming: IncomingEvent) -> float:
        """The time of day may have been set since the arrival."""
        age = (self._clock.now() - incoming.received_at).total_seconds()
        return _STORED_WITHIN_SECONDS - min(max(0.0, age), _STORED_WITHIN_SECONDS)
