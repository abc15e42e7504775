"""How often to ask for actions: quick when an answer is likely, cheap when not."""

import asyncio
from collections import deque

from application.ports.clock import Clock

_MIN_DELAY = 0.002
_DELAY_FACTOR = 3
_MAX_DELAY = 1.05
"""Seconds. Idle, the engine sees less than one request a second."""
_MAX_EMPTY_PER_SECOND = 18
"""Empty takes in any one second, however busy the channels are. Fewer than the 20 allowed: on the way they bunch up."""
_MAX_SPECULATIVE_PER_SECOND = 8
"""Of these, by takes that nothing in particular speaks for: the rest is kept for what happens next."""
_FAST_POLLS_AFTER_EVENT = 3
_MAX_DELAY_AFTER_ACTION = 0.05
_MAX_EXPECTED_LATENCY = 0.05
"""Seconds that a take waits at most for the flows of the event that it is about."""


class PollSchedule:
    """When the next take is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._delay = _MIN_DELAY
        self._fast_polls_left = 0
        self._empty_polls: deque[float] = deque(maxlen=_MAX_EMPTY_PER_SECOND)
        """When the last empty takes were."""
        self._expected_latency = 0.0
        """Seconds that the engine's flows take to make an action of an event, as learnt from earlier ones."""
        self._published_at: float | None = None
        """When the event was taken of which no take has brought an action yet; None when there is no such event."""
        self._polled_too_soon = False
        """A take since that event brought nothing."""
        self._is_waiting = True
        """Nothing says that an action is there: the last take brought none, or it was a while ago."""
        self.wake = asyncio.Event()
        """Set when asking sooner than planned is worth it."""

    def on_event_published(self) -> None:
        """An event went to the engine, whose flows are likely to want something: begin again with short pauses."""
        self._fast_polls_left = _FAST_POLLS_AFTER_EVENT
        if self._published_at is None:
            self._published_at, self._polled_too_soon = self._clock.monotonic(), False
        self._poll_now()

    def on_result_reported(self) -> None:
        """The engine has the answer to an action, and another one may follow; mostly it is for another pack."""
        if not self._until_fewer_than(_MAX_SPECULATIVE_PER_SECOND):
            self._poll_now()

    def on_action_found(self) -> None:
        """A take brought an action: what the last event promised."""
        self._fast_polls_left = 0
        self._is_waiting = False
        self._learn()

    def delay_after_action(self) -> float:
        """Seconds to wait after a take that brought an action, unless `wake` is set before.

        None: where one action was, more may wait. But not while takes on spec keep bringing nothing.
        """
        pause = min(self._until_fewer_than(_MAX_SPECULATIVE_PER_SECOND), _MAX_DELAY_AFTER_ACTION)
        self._is_waiting = pause > 0
        return pause

    def delay_before_poll(self) -> float:
        """Seconds to leave the flows of the last event before the first take that is about it.

        A take that comes too soon brings nothing, and there may not be many of those. While takes bring actions there
        is no reason to wait.
        """
        if self._published_at is None or self._polled_too_soon or not self._is_waiting:
            return 0.0
        return max(0.0, self._published_at + self._expected_latency - self._clock.monotonic())

    def delay_after_empty(self) -> float:
        """Seconds to wait after a take that brought nothing, unless `wake` is set before; grows from call to call."""
        pause = self._delay
        self._delay = min(pause * _DELAY_FACTOR, _MAX_DELAY)
        if self._fast_polls_left:
            self._fast_polls_left -= 1
            return pause
        self._published_at = None  # its flows want nothing, it seems
        return max(pause, self._until_fewer_than(_MAX_SPECULATIVE_PER_SECOND))

    def on_empty_poll(self) -> float:
        """Count one empty take; the seconds that have to pass before the next one, whatever happens meanwhile."""
        self._empty_polls.append(self._clock.monotonic())
        self._is_waiting = self._polled_too_soon = True
        return self._until_fewer_than(_MAX_EMPTY_PER_SECOND)

    def _learn(self) -> None:
        """Wait longer next time when the action was not there at once, and a little less long when it was."""
        if self._published_at is not None:
            took = self._clock.monotonic() - self._published_at
            longer = min(self._expected_latency * 1.25 + 0.001, took, _MAX_EXPECTED_LATENCY)
            self._expected_latency = longer if self._polled_too_soon else self._expected_latency * 0.97
        self._published_at = None

    def _poll_now(self) -> None:
        self._delay = _MIN_DELAY
        self.wake.set()

    def _until_fewer_than(self, most: int) -> float:
        """Seconds until the last second saw fewer empty takes than that."""
        if len(self._empty_polls) < most:
            return 0.0
        return max(0.0, self._empty_polls[-most] + 1 - self._clock.monotonic())
