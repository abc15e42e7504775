"""Retry policy for the chat service, and the health that its answers show."""

import asyncio
import math
from typing import Any

import structlog

from application.health import ChatHealth
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from domain.errors import ChatError, RateLimited, Unreachable
from domain.rate_limits import MAX_PAUSE_SECONDS

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.25, 30
_LONG_PAUSE_SECONDS = 60
"""An operator should know of longer ones."""


def log_throttled(seconds: float, **subject: str) -> None:
    """Logs a pause that the service has asked for: as a warning if it is longer than a minute."""
    if seconds > _LONG_PAUSE_SECONDS:
        log.warning("throttled", seconds=seconds, **subject)
    else:
        log.info("throttled", seconds=seconds, **subject)


_LEFT_TO_THE_CALLER = frozenset({"post", "history", "replies"})
"""Methods whose callers keep to a rate limit of their own, and wait while others go on."""


class Outage:
    """Paces the attempts of one request while the chat service is unreachable."""

    def __init__(self, shutdown: Shutdown, give_up_seconds: float) -> None:
        self._shutdown = shutdown
        self._give_up_seconds = give_up_seconds
        self.end()

    def end(self) -> None:
        """The service has answered: a later outage starts anew."""
        self._pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self._since: float | None = None

    async def wait(self, error: Unreachable) -> None:
        """Waits before the next attempt. Raises the error once the outage has lasted as long as allowed.

        Raises ShutdownRequested if the pack is to end before.
        """
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        left = self._since + self._give_up_seconds - now
        if left <= 0:
            raise error
        pause = min(next(self._pauses), left)
        log.warning("chat_out_of_reach", reason=str(error), again_in_seconds=round(pause, 2))
        await self._shutdown.sleep(pause)


class ChatRetryPolicy:
    """Repeats calls through throttling and outages.

    Throttling is waited out as the service asks, which is asked again after an hour at the latest. An outage is waited
    out for as long as `give_up_seconds` says for the method, without end for any other. `post` passes through:
    MessageSender repeats it, because every attempt needs a slot of its own and an entry in the journal.
    """

    def __init__(self, shutdown: Shutdown, give_up_seconds: float) -> None:
        self._shutdown = shutdown
        self._give_up_seconds = dict.fromkeys(("join", "leave", "find_posted"), give_up_seconds)

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Raises ChatRejected, InDoubt, Unreachable, and ShutdownRequested."""
        if call.method in _LEFT_TO_THE_CALLER:
            return await call.perform()
        outage = Outage(self._shutdown, self._give_up_seconds.get(call.method, math.inf))
        while True:
            try:
                return await call.perform()
            except RateLimited as limit:
                outage.end()
                log_throttled(limit.retry_after_seconds, method=call.method)
                await self._shutdown.sleep(min(MAX_PAUSE_SECONDS, limit.retry_after_seconds))
            except Unreachable as error:
                await outage.wait(error)


class ChatHealthPolicy:
    """Reports the outcome of every call as health."""

    def __init__(self, health: ChatHealth) -> None:
        self._health = health

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        try:
            result = await call.perform()
        except ChatError as error:
            self._health.on_error(error)
            raise
        self._health.on_success()
        return result
