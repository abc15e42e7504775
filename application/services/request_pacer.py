"""Keeps the pack's own rate of requests of one kind, so that others find room within the service's limit."""

from application.loop_time import loop_time
from application.resilience.shutdown import Shutdown
from domain.rate_limits import TokenBucket

_RESOLUTION_SECONDS = 0.001
"""A timer may end a moment before its time."""


class RequestPacer:
    """Lets requests through at `per_minute`, and `burst` of them ahead of that rate."""

    def __init__(self, per_minute: float, burst: int, shutdown: Shutdown) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._shutdown = shutdown
        self._bucket = TokenBucket()

    async def wait(self) -> None:
        """Returns when the next request may be made. Raises ShutdownRequested."""
        slot, self._bucket = self._bucket.reserve(loop_time(), self._per_second, self._burst)
        while (left := max(slot, self._bucket.paused_until) - loop_time()) > _RESOLUTION_SECONDS:
            await self._shutdown.sleep(left)

    def end_burst(self) -> None:
        """Lets no more requests run ahead of the rate until some time has passed: the service has refused one."""
        self._bucket = self._bucket.pause_until(loop_time())
