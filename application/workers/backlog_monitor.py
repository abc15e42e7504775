"""How much waits, for health and log."""

from datetime import timedelta

import structlog

from application.health import HealthRegistry
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import Safekeeping
from domain.outbox import Backlog

log = structlog.get_logger()

_INTERVAL_SECONDS = 5.0
_STUCK_AFTER = timedelta(minutes=5)
"""A message that has waited longer makes the outbox unhealthy: somebody has to look."""


class BacklogMonitor:
    """Looks at the outbox and the journal now and then."""

    def __init__(
        self, storage: Storage, health: HealthRegistry, clock: Clock, stop: Shutdown, keep: Safekeeping
    ) -> None:
        self._storage = storage
        self._health = health
        self._clock = clock
        self._stop = stop
        self._keep = keep

    async def run(self) -> None:
        """Look until the pack ends."""
        last: tuple[int, ...] = ()
        while True:
            outbox = await self._keep(self._storage.outbox.backlog)
            journal = await self._keep(self._storage.journal.backlog)
            self._report(outbox, journal)
            seen = (outbox.waiting, outbox.dead_lettered, journal.waiting, journal.dead_lettered)
            if any(seen) and seen != last:
                log.info("waiting", outbox=_fields(outbox), journal=_fields(journal))
            last = seen
            await self._stop.sleep(_INTERVAL_SECONDS)

    def _report(self, outbox: Backlog, journal: Backlog) -> None:
        oldest = min(filter(None, (outbox.oldest_at, journal.oldest_at)), default=None)
        is_stuck = oldest is not None and self._clock.now() - oldest > _STUCK_AFTER
        status = f"messages waiting: {outbox.waiting}, set aside: {outbox.dead_lettered}; "
        status += f"actions in hand: {journal.waiting}, set aside: {journal.dead_lettered}"
        if oldest is not None:
            status += f"; oldest from {oldest.isoformat(timespec='seconds')}"
        self._health.report("outbox", healthy=not is_stuck, status=status)


def _fields(depth: Backlog) -> dict[str, int | str]:
    oldest = depth.oldest_at
    return {
        "waiting": depth.waiting,
        "set_aside": depth.dead_lettered,
        "oldest": oldest.isoformat(timespec="milliseconds") if oldest else "",
    }
