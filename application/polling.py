"""How often to ask for actions: quick when an answer is likely, cheap when not."""

import asyncio

from application.ports.clock import Clock

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 1.05
"""Seconds. Idle, the engine sees less than one request a second."""
_BURST = 7
_REFILL_PER_SECOND = 11.5
"""At most 7 + 11.5 < 20 empty takes in any one second, however busy the channels are."""


class Polling:
    """When the next take is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = _FIRST_PAUSE
        self._tokens = float(_BURST)
        self._refilled_at = clock.monotonic()
        self.wake = asyncio.Event()
        """Set when asking sooner than planned is worth it."""

    def hurry(self) -> None:
        """Something happened that an action is likely to follow: begin again with short pauses."""
        self._pause = _FIRST_PAUSE
        self.wake.set()

    def pause_after_empty(self) -> float:
        """Seconds to wait after a take that brought nothing, unless `wake` is set before; grows from call to call."""
        pause = self._pause
        self._pause = min(pause * 2, _LONGEST_PAUSE)
        return pause

    def spend_empty(self) -> float:
        """Count one empty take; the seconds that have to pass before the next one, whatever happens meanwhile."""
        now = self._clock.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._refilled_at) * _REFILL_PER_SECOND) - 1
        self._refilled_at = now
        return max(0.0, (1 - self._tokens) / _REFILL_PER_SECOND)
