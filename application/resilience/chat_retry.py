"""Retry policy for the chat service, and the health that its answers show."""

import math
from typing import Any

import structlog

from application.health import ChatHealth
from application.loop_time import loop_time
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from application.resilience.troubles import Troubles
from application.services.pauses import Pauses
from domain.errors import ChatError, InDoubt, RateLimited, Unreachable

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.25, 30
_REPEATED_BY_CALLER = frozenset({"post", "find_posted", "history", "replies"})
"""Methods whose callers repeat them: these decide how long, keep their own rate limit, and let others continue
meanwhile."""
_FOR_ACTIONS = ("join", "leave", "channels", "open_direct")
"""Outages of these are waited out for a limited time."""
_HISTORY = frozenset({"history", "replies"})


class Outage:
    """Paces the attempts of one request while the chat service is unreachable."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._troubles = Troubles()
        self.end()

    def end(self) -> None:
        """The service has answered: a later outage starts anew."""
        self._pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self._since: float | None = None
        self._troubles.end()

    @property
    def seconds(self) -> float:
        """How long the outage lasts; 0 if there is none."""
        return 0.0 if self._since is None else loop_time() - self._since

    async def wait(self, error: Unreachable | InDoubt, seconds_left: float) -> None:
        """Waits before the next attempt. Raises the error if no time is left.

        Raises ShutdownRequested if the pack is to end before.
        """
        if seconds_left <= 0:
            raise error
        if self._since is None:
            self._since = loop_time()
        pause = min(next(self._pauses), seconds_left)
        fields = {"reason": str(error), "again_in_seconds": round(pause, 2)}
        if self._troubles.is_new(str(error)):
            log.warning("chat_out_of_reach", **fields)
        else:
            log.debug("chat_out_of_reach", **fields)
        await self._shutdown.sleep(pause)


class ChatRetryPolicy:
    """Repeats calls through throttling and outages.

    A throttled call waits as long as the service asks; after an hour it is asked again. An outage is waited out for as
    long as `give_up_seconds` says for the method, without end for any other. Methods that their callers repeat pass
    through.
    """

    def __init__(self, shutdown: Shutdown, pauses: Pauses, give_up_seconds: float) -> None:
        self._shutdown = shutdown
        self._pauses = pauses
        self._give_up_seconds = dict.fromkeys(_FOR_ACTIONS, give_up_seconds)

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Raises ChatRejected, InDoubt, Unreachable, and ShutdownRequested."""
        if call.method in _REPEATED_BY_CALLER:
            return await call.perform()
        outage = Outage(self._shutdown)
        give_up_seconds = self._give_up_seconds.get(call.method, math.inf)
        while True:
            try:
                return await call.perform()
            except RateLimited as limit:
                outage.end()
                await self._pauses.begin_method(call.method, limit.retry_after_seconds)
                await self._pauses.wait(call.method)
            except Unreachable as error:
                await outage.wait(error, give_up_seconds - outage.seconds)


class ChatHealthPolicy:
    """Reports the outcome of every call as health."""

    def __init__(self, health: ChatHealth) -> None:
        self._health = health

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        try:
            result = await call.perform()
        except Unreachable as error:
            if call.method not in _HISTORY:  # the backfill reports its own troubles
                self._health.on_error(error)
            raise
        except ChatError as error:
            self._health.on_error(error)
            raise
        self._health.on_success()
        return result
