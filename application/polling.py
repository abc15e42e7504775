"""How often to ask for actions: quick when an answer is likely, cheap when not."""

import asyncio
from collections import deque

from application.ports.clock import Clock

_FIRST_PAUSE = 0.002
_GROWTH = 3
_LONGEST_PAUSE = 1.05
"""Seconds. Idle, the engine sees less than one request a second."""
_MOST_A_SECOND = 18
"""Empty takes in any one second, however busy the channels are. Fewer than the 20 allowed: on the way they bunch up."""
_MOST_ON_SPEC = 8
"""Of these, by takes that nothing in particular speaks for: the rest is kept for what happens next."""
_PROMISING_AFTER_EVENT = 3


class Polling:
    """When the next take is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = _FIRST_PAUSE
        self._promising = 0
        self._empty: deque[float] = deque(maxlen=_MOST_A_SECOND)
        """When the last empty takes were."""
        self.wake = asyncio.Event()
        """Set when asking sooner than planned is worth it."""

    def hurry_after_event(self) -> None:
        """An event went to the engine, whose flows are likely to want something: begin again with short pauses."""
        self._promising = _PROMISING_AFTER_EVENT
        self._hurry()

    def hurry_after_answer(self) -> None:
        """The engine has the answer to an action, and another one may follow; mostly it is for another pack."""
        if not self._until_fewer_than(_MOST_ON_SPEC):
            self._hurry()

    def note_found(self) -> None:
        """A take brought an action: what the last event promised."""
        self._promising = 0

    def pause_after_empty(self) -> float:
        """Seconds to wait after a take that brought nothing, unless `wake` is set before; grows from call to call."""
        pause = self._pause
        self._pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        if self._promising:
            self._promising -= 1
            return pause
        return max(pause, self._until_fewer_than(_MOST_ON_SPEC))

    def spend_empty(self) -> float:
        """Count one empty take; the seconds that have to pass before the next one, whatever happens meanwhile."""
        self._empty.append(self._clock.monotonic())
        return self._until_fewer_than(_MOST_A_SECOND)

    def _hurry(self) -> None:
        self._pause = _FIRST_PAUSE
        self.wake.set()

    def _until_fewer_than(self, most: int) -> float:
        """Seconds until the last second saw fewer empty takes than that."""
        if len(self._empty) < most:
            return 0.0
        return max(0.0, self._empty[-most] + 1 - self._clock.monotonic())
