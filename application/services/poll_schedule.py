"""When to poll the workflow engine for actions: often while an action is likely, rarely while not."""

import asyncio
from collections import deque
from collections.abc import Callable

from application.loop_time import loop_time

_MIN_DELAY_SECONDS = 0.002
_DELAY_FACTOR = 3
_MAX_DELAY_SECONDS = 1.05
"""When idle, the engine sees less than one request a second."""
_MAX_EMPTY_PER_SECOND = 18
"""Empty polls in any one second, however busy the channels are. Below the permitted 20, since requests bunch up on
their way."""
_MAX_SPECULATIVE_PER_SECOND = 8
"""The share of speculative polls, made without a particular reason; the rest is reserved for events to come."""
_MAX_URGENT_PER_SECOND = 14
"""The share of polls for the answer to an urgent event: the next such event must not wait for its first poll."""
_FAST_POLLS_AFTER_EVENT = 3
_MAX_DELAY_AFTER_ACTION_SECONDS = 0.05
_MAX_URGENT_DELAY_SECONDS = 0.095
_URGENT_SECONDS = 2.0
_MAX_EXPECTED_LATENCY_SECONDS = 0.05
"""How long a poll waits at most for the flows of a published event."""


class PollSchedule:
    """Decides when the next poll is due."""

    def __init__(self, time: Callable[[], float] | None = None) -> None:
        """`time` returns seconds; the running event loop's time if it is None."""
        self._time = time or loop_time
        self._delay = _MIN_DELAY_SECONDS
        self._fast_polls_left = 0
        self._empty_polls: deque[float] = deque(maxlen=_MAX_EMPTY_PER_SECOND)
        """When the latest empty polls were made."""
        self._expected_latency = 0.0
        """Seconds from an event to the action that flows make of it, learned from earlier events."""
        self._published_at: float | None = None
        """The publication of an event for which no poll has found an action yet; None if there is none."""
        self._polled_too_soon = False
        """A poll since that event found nothing."""
        self._urgent_until = 0.0
        """The flows of an urgent event may start their first action until then."""
        self._is_waiting = True
        """Nothing suggests a waiting action: the latest poll found none, or was a while ago."""
        self.wake = asyncio.Event()
        """Set when polling earlier than planned is worthwhile."""

    def on_event_published(self, *, is_urgent: bool = False) -> None:
        """An event was published, whose flows are likely to start an action: polls fast again.

        After an urgent one, for whose answer a person waits, polls stay fast for longer, or until an action is found.
        """
        self._fast_polls_left = _FAST_POLLS_AFTER_EVENT
        if is_urgent:
            self._urgent_until = self._time() + _URGENT_SECONDS
        if self._published_at is None:
            self._published_at, self._polled_too_soon = self._time(), False
        self._poll_now()

    def on_result_reported(self) -> None:
        """The engine has the result of an action, and another may follow; mostly it is for another pack."""
        if not self._seconds_until_fewer_than(_MAX_SPECULATIVE_PER_SECOND):
            self._poll_now()

    def on_action_found(self) -> None:
        """A poll found an action."""
        self._fast_polls_left, self._urgent_until = 0, 0.0
        self._is_waiting = False
        self._learn_latency()

    def on_empty_poll(self) -> float:
        """Counts an empty poll. Returns the seconds that have to pass before the next one in any case."""
        self._empty_polls.append(self._time())
        self._is_waiting = self._polled_too_soon = True
        return self._seconds_until_fewer_than(_MAX_EMPTY_PER_SECOND)

    def delay_before_poll(self) -> float:
        """Returns the seconds to leave the flows of the latest event before the first poll for their action.

        A poll that comes too soon finds nothing, and there may not be many of those. While polls find actions there is
        no reason to wait.
        """
        if self._published_at is None or self._polled_too_soon or not self._is_waiting:
            return 0.0
        return max(0.0, self._published_at + self._expected_latency - self._time())

    def delay_after_action(self) -> float:
        """Returns the seconds to wait after an action was found, unless `wake` is set before.

        Usually 0, since more actions may wait behind it; longer while speculative polls keep finding nothing.
        """
        delay = min(self._seconds_until_fewer_than(_MAX_SPECULATIVE_PER_SECOND), _MAX_DELAY_AFTER_ACTION_SECONDS)
        self._is_waiting = delay > 0
        return delay

    def delay_after_empty(self) -> float:
        """Returns the seconds to wait after an empty poll, unless `wake` is set before; grows from call to call."""
        delay = self._delay
        self._delay = min(delay * _DELAY_FACTOR, _MAX_DELAY_SECONDS)
        if self._fast_polls_left:
            self._fast_polls_left -= 1
            return delay
        if self._time() < self._urgent_until:
            return max(min(delay, _MAX_URGENT_DELAY_SECONDS), self._seconds_until_fewer_than(_MAX_URGENT_PER_SECOND))
        self._published_at = None  # its flows start no action, it seems
        return max(delay, self._seconds_until_fewer_than(_MAX_SPECULATIVE_PER_SECOND))

    def _learn_latency(self) -> None:
        """Expects more latency if the action was not there at once, and a little less if it was."""
        if self._published_at is not None:
            took = self._time() - self._published_at
            longer = min(self._expected_latency * 1.25 + 0.001, took, _MAX_EXPECTED_LATENCY_SECONDS)
            self._expected_latency = longer if self._polled_too_soon else self._expected_latency * 0.97
        self._published_at = None

    def _poll_now(self) -> None:
        self._delay = _MIN_DELAY_SECONDS
        self.wake.set()

    def _seconds_until_fewer_than(self, limit: int) -> float:
        """Returns the seconds until the past second holds fewer empty polls than that."""
        if len(self._empty_polls) < limit:
            return 0.0
        return max(0.0, self._empty_polls[-limit] + 1 - self._time())
