"""The line to the chat service: asking again while it is worth it, and what that says about its health."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import structlog

from application.ports.clock import Clock
from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown
from domain.errors import ChatRejected, InDoubt, RateLimited, Unreachable

if TYPE_CHECKING:
    from application.health import ChatHealth

log = structlog.get_logger()
T = TypeVar("T")


class ChatLine:
    """Brings requests to the chat service through throttling and outages."""

    def __init__(self, clock: Clock, stop: Shutdown, health: "ChatHealth", give_up_seconds: float) -> None:
        self._clock = clock
        self._stop = stop
        self._health = health
        self._give_up_seconds = give_up_seconds

    async def __call__(
        self,
        request: Callable[[], Awaitable[T]],
        *,
        on_rate_limit: Callable[[float], Awaitable[None]] | None = None,
        give_up_seconds: float | None = None,
    ) -> T:
        """What the request returns, or why it can't: Refused, InDoubt, or Unreachable after the time to give up.

        Throttling is waited out as told, however long, and does not count towards giving up; `on_rate_limit` learns
        of it. Raises Stopping when the pack ends before.
        """
        give_up_seconds = self._give_up_seconds if give_up_seconds is None else give_up_seconds
        pauses = exponential_backoff(0.25, 30)
        unreachable_since: float | None = None
        while True:
            try:
                result = await request()
            except RateLimited as limit:
                pauses, unreachable_since = exponential_backoff(0.25, 30), None
                if on_rate_limit is not None:
                    await on_rate_limit(limit.retry_after_seconds)
                await self._stop.sleep(limit.retry_after_seconds)
            except Unreachable as outage:
                self._health.on_error(outage)
                now = self._clock.monotonic()
                unreachable_since = now if unreachable_since is None else unreachable_since
                left = unreachable_since + give_up_seconds - now
                if left <= 0:
                    raise
                pause = min(next(pauses), left)
                log.warning("chat_out_of_reach", reason=str(outage), again_in_seconds=round(pause, 2))
                await self._stop.sleep(pause)
            except (ChatRejected, InDoubt) as error:
                self._health.on_error(error)
                raise
            else:
                self._health.on_success()
                return result
