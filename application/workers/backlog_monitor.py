"""Reports the outbox and journal backlog to health and the log."""

import structlog

from application.health import HealthReporter
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from application.services.work_log import WorkLog
from domain.outbox import Backlog

log = structlog.get_logger()

_INTERVAL_SECONDS = 5.0
_SLOW_AFTER_SECONDS = 5.0
"""A shorter wait is not worth a log line."""
_STUCK_AFTER_SECONDS = 300.0
"""An entry that has waited longer makes the outbox unhealthy: an operator has to look."""


class BacklogMonitor:
    """Looks at the outbox and the journal periodically."""

    def __init__(self, storage: Storage, health: HealthReporter, work_log: WorkLog, shutdown: Shutdown) -> None:
        self._outbox = storage.outbox
        self._journal = storage.journal
        self._health = health
        self._work_log = work_log
        self._shutdown = shutdown

    async def run(self) -> None:
        """Runs until the pack ends."""
        last: tuple[int, ...] = ()
        try:
            while True:
                outbox, journal = await self._outbox.backlog(), await self._journal.backlog()
                self._report(outbox, journal)
                self._work_log.report(outbox, journal)
                waiting = (outbox.waiting, journal.waiting) if _is_slow(outbox, journal) else (0, 0)
                counts = (*waiting, outbox.dead_lettered, journal.dead_lettered)
                if any(counts) and counts != last:
                    log.info("waiting", outbox=_log_fields(outbox), journal=_log_fields(journal))
                last = counts
                await self._shutdown.sleep(_INTERVAL_SECONDS)
        finally:
            self._work_log.report_at_end()

    def _report(self, outbox: Backlog, journal: Backlog) -> None:
        oldest = max(outbox, journal, key=lambda backlog: backlog.oldest_waited_seconds)
        is_stuck = oldest.oldest_waited_seconds > _STUCK_AFTER_SECONDS
        status = f"messages waiting: {outbox.waiting}, set aside: {outbox.dead_lettered}; "
        status += f"actions in hand: {journal.waiting}, set aside: {journal.dead_lettered}"
        if oldest.oldest_at is not None:
            status += f"; oldest from {oldest.oldest_at.isoformat(timespec='seconds')}"
        self._health.report(healthy=not is_stuck, status=status)


def _is_slow(outbox: Backlog, journal: Backlog) -> bool:
    return max(outbox.oldest_waited_seconds, journal.oldest_waited_seconds) >= _SLOW_AFTER_SECONDS


def _log_fields(backlog: Backlog) -> dict[str, int | str]:
    oldest = backlog.oldest_at
    return {
        "waiting": backlog.waiting,
        "set_aside": backlog.dead_lettered,
        "oldest": oldest.isoformat(timespec="milliseconds") if oldest else "",
    }
