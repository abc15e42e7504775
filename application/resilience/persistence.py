"""Retry policy for the requests of one action, which may be tried for a limited time."""

from collections.abc import Callable
from typing import Any

from application.resilience.chat_retry import Outage
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from application.services.channel_locks import ChannelQueue
from application.services.pauses import Pauses
from domain.errors import RateLimited, Unreachable


class Persistence:
    """Repeats calls through rate limits, which do not count towards the action's time, and through outages.

    Raises Unreachable once no time is left, ChatRejected and InDoubt at once, and ShutdownRequested.
    """

    def __init__(
        self, shutdown: Shutdown, pauses: Pauses, queue: ChannelQueue, seconds_left: Callable[[], float]
    ) -> None:
        self._shutdown = shutdown
        self._pauses = pauses
        self._queue = queue
        self._seconds_left = seconds_left

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        outage = Outage(self._shutdown)
        limited = call.arguments[0] if call.method == "call_method" else call.method
        while True:
            with self._queue.excused():
                await self._pauses.wait(limited)
            self._shutdown.raise_if_requested()
            try:
                return await call.perform()
            except RateLimited as limit:
                outage.end()
                await self._pauses.begin_method(limited, limit.retry_after_seconds)
            except Unreachable as error:
                with self._pauses.outage():
                    await outage.wait(error, self._seconds_left())
