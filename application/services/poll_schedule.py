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
_LONGEST_PAUSE_AFTER_FOUND = 0.05
_LONGEST_LEAD = 0.05
"""Seconds that a take waits at most for the flows of the event that it is about."""


class Polling:
    """When the next take is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = _FIRST_PAUSE
        self._promising = 0
        self._empty: deque[float] = deque(maxlen=_MOST_A_SECOND)
        """When the last empty takes were."""
        self._lead = 0.0
        """Seconds that the engine's flows take to make an action of an event, as learnt from earlier ones."""
        self._event_at: float | None = None
        """When the event was taken of which no take has brought an action yet; None when there is no such event."""
        self._came_too_soon = False
        """A take since that event brought nothing."""
        self._is_waiting = True
        """Nothing says that an action is there: the last take brought none, or it was a while ago."""
        self.wake = asyncio.Event()
        """Set when asking sooner than planned is worth it."""

    def hurry_after_event(self) -> None:
        """An event went to the engine, whose flows are likely to want something: begin again with short pauses."""
        self._promising = _PROMISING_AFTER_EVENT
        if self._event_at is None:
            self._event_at, self._came_too_soon = self._clock.monotonic(), False
        self._hurry()

    def hurry_after_answer(self) -> None:
        """The engine has the answer to an action, and another one may follow; mostly it is for another pack."""
        if not self._until_fewer_than(_MOST_ON_SPEC):
            self._hurry()

    def note_found(self) -> None:
        """A take brought an action: what the last event promised."""
        self._promising = 0
        self._is_waiting = False
        self._learn()

    def pause_after_found(self) -> float:
        """Seconds to wait after a take that brought an action, unless `wake` is set before.

        None: where one action was, more may wait. But not while takes on spec keep bringing nothing.
        """
        pause = min(self._until_fewer_than(_MOST_ON_SPEC), _LONGEST_PAUSE_AFTER_FOUND)
        self._is_waiting = pause > 0
        return pause

    def pause_before_take(self) -> float:
        """Seconds to leave the flows of the last event before the first take that is about it.

        A take that comes too soon brings nothing, and there may not be many of those. While takes bring actions there
        is no reason to wait.
        """
        if self._event_at is None or self._came_too_soon or not self._is_waiting:
            return 0.0
        return max(0.0, self._event_at + self._lead - self._clock.monotonic())

    def pause_after_empty(self) -> float:
        """Seconds to wait after a take that brought nothing, unless `wake` is set before; grows from call to call."""
        pause = self._pause
        self._pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        if self._promising:
            self._promising -= 1
            return pause
        self._event_at = None  # its flows want nothing, it seems
        return max(pause, self._until_fewer_than(_MOST_ON_SPEC))

    def spend_empty(self) -> float:
        """Count one empty take; the seconds that have to pass before the next one, whatever happens meanwhile."""
        self._empty.append(self._clock.monotonic())
        self._is_waiting = self._came_too_soon = True
        return self._until_fewer_than(_MOST_A_SECOND)

    def _learn(self) -> None:
        """Wait longer next time when the action was not there at once, and a little less long when it was."""
        if self._event_at is not None:
            took = self._clock.monotonic() - self._event_at
            longer = min(self._lead * 1.25 + 0.001, took, _LONGEST_LEAD)
            self._lead = longer if self._came_too_soon else self._lead * 0.97
        self._event_at = None

    def _hurry(self) -> None:
        self._pause = _FIRST_PAUSE
        self.wake.set()

    def _until_fewer_than(self, most: int) -> float:
        """Seconds until the last second saw fewer empty takes than that."""
        if len(self._empty) < most:
            return 0.0
        return max(0.0, self._empty[-most] + 1 - self._clock.monotonic())
