"""Look-ups in the chat service whose failure holds nothing up."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from application.loop_time import loop_time
from application.resilience.incidents import log_incident
from application.resilience.shutdown import ShutdownRequested
from domain.errors import ChatError, Unreachable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TIMEOUT_SECONDS = 10
_DEGRADED_TIMEOUT_SECONDS = 1
_DEGRADED_SECONDS = 30
"""How long after a look-up that timed out the next ones get the shorter timeout."""
_URGENT_TIMEOUT_SECONDS = 0.5
_FAILURE_REMEMBERED_SECONDS = 60.0
"""How long a failed look-up is not repeated: a busy channel would make one for each message."""
_MAX_FAILURES = 10_000
"""The number of failures to remember before expired ones are removed."""


class LookUps(Generic[K, V]):
    """Look-ups of one kind, bounded in time. One that failed is not repeated for a minute."""

    def __init__(self, look_up: Callable[[K], Awaitable[V]], on_failure: Callable[[K, str], None]) -> None:
        """`on_failure` gets the reason of each failure."""
        self._look_up = look_up
        self._on_failure = on_failure
        self._degraded_until = 0.0
        self._failed_until: dict[K, float] = {}
        """No look-up until then, by the event loop's time."""

    async def find(self, key: K, *, is_urgent: bool = False) -> V | None:
        """Returns what is looked up; None if that fails or takes longer than 10 s, and for a minute after.

        An urgent look-up may take 0.5 s only, and is tried again the next time. Raises ShutdownRequested.
        """
        if self.has_failed(key):
            return None
        timeout = _DEGRADED_TIMEOUT_SECONDS if loop_time() < self._degraded_until else _TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(_URGENT_TIMEOUT_SECONDS if is_urgent else timeout):
                return await self._look_up(key)
        except (TimeoutError, Unreachable):
            self._on_failure(key, "Slack did not answer in time")
            if is_urgent:
                return None
            self._degraded_until = loop_time() + _DEGRADED_SECONDS
        except ChatError as error:
            self._on_failure(key, str(error))
        except ShutdownRequested:
            raise
        except Exception:  # noqa: BLE001 - a bug must not hold up the event
            log_incident(look_up=str(key))
        self._remember_failure(key)
        return None

    def has_failed(self, key: K) -> bool:
        """Returns whether `find` would return None at once."""
        return loop_time() < self._failed_until.get(key, -math.inf)

    def _remember_failure(self, key: K) -> None:
        now = loop_time()
        if len(self._failed_until) >= _MAX_FAILURES:
            self._failed_until = {key: until for key, until in self._failed_until.items() if until > now}
        self._failed_until[key] = now + _FAILURE_REMEMBERED_SECONDS
