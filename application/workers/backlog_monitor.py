"""How much waits, for health and log."""

from datetime import timedelta

import structlog

from application.health import HealthBoard
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import Safekeeping
from domain.outbox import Depth

log = structlog.get_logger()

_LOOK_SECONDS = 5.0
_TOO_OLD = timedelta(minutes=5)
"""A message that has waited longer makes the outbox unhealthy: somebody has to look."""


class Gauge:
    """Looks at the outbox and the journal now and then."""

    def __init__(self, storage: Storage, health: HealthBoard, clock: Clock, stop: Shutdown, keep: Safekeeping) -> None:
        self._storage = storage
        self._health = health
        self._clock = clock
        self._stop = stop
        self._keep = keep

    async def run(self) -> None:
        """Look until the pack ends."""
        last: tuple[int, ...] = ()
        while True:
            outbox = await self._keep(self._storage.outbox.depth)
            journal = await self._keep(self._storage.journal.depth)
            self._report(outbox, journal)
            seen = (outbox.waiting, outbox.set_aside, journal.waiting, journal.set_aside)
            if any(seen) and seen != last:
                log.info("waiting", outbox=_fields(outbox), journal=_fields(journal))
            last = seen
            await self._stop.pause(_LOOK_SECONDS)

    def _report(self, outbox: Depth, journal: Depth) -> None:
        oldest = min(filter(None, (outbox.oldest_at, journal.oldest_at)), default=None)
        is_stuck = oldest is not None and self._clock.now() - oldest > _TOO_OLD
        status = f"messages waiting: {outbox.waiting}, set aside: {outbox.set_aside}; "
        status += f"actions in hand: {journal.waiting}, set aside: {journal.set_aside}"
        if oldest is not None:
            status += f"; oldest from {oldest.isoformat(timespec='seconds')}"
        self._health.report("outbox", healthy=not is_stuck, status=status)


def _fields(depth: Depth) -> dict[str, int | str]:
    oldest = depth.oldest_at
    return {
        "waiting": depth.waiting,
        "set_aside": depth.set_aside,
        "oldest": oldest.isoformat(timespec="milliseconds") if oldest else "",
    }
