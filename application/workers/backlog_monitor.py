"""Reports the outbox and journal backlog to health and the log."""

from datetime import timedelta

import structlog

from application.health import HealthReporter
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from domain.outbox import Backlog

log = structlog.get_logger()

_INTERVAL_SECONDS = 5.0
_STUCK_AFTER = timedelta(minutes=5)
"""An entry that has waited longer makes the outbox unhealthy: an operator has to look."""


class BacklogMonitor:
    """Looks at the outbox and the journal periodically."""

    def __init__(self, storage: Storage, health: HealthReporter, clock: Clock, shutdown: Shutdown) -> None:
        self._outbox = storage.outbox
        self._journal = storage.journal
        self._health = health
        self._clock = clock
        self._shutdown = shutdown

    async def run(self) -> None:
        """Runs until the pack ends."""
        last: tuple[int, ...] = ()
        while True:
            outbox, journal = await self._outbox.backlog(), await self._journal.backlog()
            self._report(outbox, journal)
            counts = (outbox.waiting, outbox.dead_lettered, journal.waiting, journal.dead_lettered)
            if any(counts) and counts != last:
                log.info("waiting", outbox=_log_fields(outbox), journal=_log_fields(journal))
            last = counts
            await self._shutdown.sleep(_INTERVAL_SECONDS)

    def _report(self, outbox: Backlog, journal: Backlog) -> None:
        oldest = min(filter(None, (outbox.oldest_at, journal.oldest_at)), default=None)
        is_stuck = oldest is not None and self._clock.now() - oldest > _STUCK_AFTER
        status = f"messages waiting: {outbox.waiting}, set aside: {outbox.dead_lettered}; "
        status += f"actions in hand: {journal.waiting}, set aside: {journal.dead_lettered}"
        if oldest is not None:
            status += f"; oldest from {oldest.isoformat(timespec='seconds')}"
        self._health.report(healthy=not is_stuck, status=status)


def _log_fields(backlog: Backlog) -> dict[str, int | str]:
    oldest = backlog.oldest_at
    return {
        "waiting": backlog.waiting,
        "set_aside": backlog.dead_lettered,
        "oldest": oldest.isoformat(timespec="milliseconds") if oldest else "",
    }
