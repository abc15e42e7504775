"""Admits posts, so that a limit on all channels together costs few refused requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from application.loop_time import loop_time
from application.resilience.shutdown import Shutdown
from domain.errors import ChatRejected, RateLimited

_MAX_AT_ONCE = 16
"""All of them may be refused at once when a limit is reached. Fewer would slow a burst: each takes a round trip."""
_MAX_AT_ONCE_WHEN_LIMITED = 8
"""The same while the rate is limited."""
_SLOW_SECONDS = 0.3
"""A post that takes longer no longer counts as one of those at once: slow channels delay no other."""
_SLOW_PROBE_SECONDS = 1.0
"""The same for a post that goes alone."""
_MAX_HOLD_SECONDS = 30.0
_KNOWN_LIMIT_HEADSTART = 4
"""While the pace is limited, the first two refusals count as much as six otherwise."""
_CAUTION = 0.9
"""How much of the rate to use at which posts were accepted before the limit was reached."""
_PATIENCE_SECONDS = 60.0
"""The pace has doubled after so long without a refusal; it grows slowly at first and then faster."""
_MIN_PER_SECOND = 0.5
_UNKNOWN_PER_SECOND = 4.0
"""The pace after a limit before which no post was accepted."""
_IDLE_SECONDS = 2.5
"""After this time without a post, the rate is measured anew. Longer than the pause between posts at the lowest pace."""
_RETRY_AFTER_PRECISION_SECONDS = 1.0
"""The service rounds up."""
_MEMORY_SECONDS = 60.0
"""A limit that was reached longer ago is forgotten: the service counts by the minute."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast posts go after a limit was reached."""

    per_second: float
    since: float

    def gap_seconds(self, now: float) -> float:
        """Returns the time between two posts."""
        growth = 1 + (max(0.0, now - self.since) / _PATIENCE_SECONDS) ** 2
        return 1 / (self.per_second * growth)


class PostGate:
    """The posts of all channels.

    A refusal does not say whether the service limits the channel or all posts. After one, the next post is sent alone.
    If it is accepted, only the first channel was limited, and all others continue at once. If it is refused too, all
    posts are held: the more of them were refused in a row, the longer, but no longer than the service asks. After that,
    posts resume at nearly the rate at which the service accepted them before, and slowly gain pace.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._turn = asyncio.Lock()
        self._answered = asyncio.Event()
        self._under_way: list[float] = []
        """When each post without an answer was admitted, in the event loop's time."""
        self._last_at = 0.0
        self._refused_at = 0.0
        self._limited_until = 0.0
        """The end of the last refusal if it concerned all posts."""
        self._refusals = 0
        """The number of refusals in a row."""
        self._held_until = 0.0
        self._pace: _Pace | None = None
        self._pace_before: _Pace | None = None
        """The pace before those refusals."""
        self._measured_since = 0.0
        self._accepted = 0
        """Posts since then."""

    @property
    def held_seconds(self) -> float:
        """For how long no post is admitted; 0 if posts are not held."""
        return max(0.0, self._held_until - loop_time())

    def release(self) -> None:
        """Admits the next post at once, to see whether the service accepts it."""
        self._held_until = 0.0
        self._answered.set()

    async def enter(self) -> float:
        """Returns when the post may be sent: first come, first served. The ticket is for `observe`.

        Raises ShutdownRequested if the pack is to end before.
        """
        async with self._turn:
            while (seconds := self._seconds_to_wait(loop_time())) > 0:
                self._answered.clear()
                await self._shutdown.wait(seconds, self._answered)
            now = loop_time()
            if not self._refusals and now - self._last_at > _IDLE_SECONDS:
                self._measured_since, self._accepted = now, 0
            self._last_at = now
            self._under_way.append(now)
            return now

    @contextmanager
    def observe(self, ticket: float) -> Iterator[None]:
        """Sends the post of a ticket within, and learns from how it ends."""
        try:
            yield
        except RateLimited as limit:
            self._on_refused(limit.retry_after_seconds, loop_time())
            raise
        except ChatRejected:
            self._on_accepted(ticket)
            raise
        else:
            self._on_accepted(ticket)
        finally:
            self._under_way.remove(ticket)
            self._answered.set()

    def _on_accepted(self, ticket: float) -> None:
        self._accepted += 1
        if not self._refusals:
            return
        if loop_time() < self._limited_until - _RETRY_AFTER_PRECISION_SECONDS:
            self._pace, self._held_until = self._pace_before, 0.0  # the refusals cannot have concerned all posts
        elif ticket >= self._refused_at and self._refusals > 1:
            self._measured_since, self._accepted = ticket, 1
        # One that was sent before the refusal was known may have been accepted before it.
        self._refusals = 0 if ticket >= self._refused_at else 1

    def _on_refused(self, retry_after_seconds: float, now: float) -> None:
        if not self._refusals:
            self._pace_before = self._pace
        self._refusals += 1
        self._refused_at, self._limited_until = now, now + retry_after_seconds
        if self._refusals > 1:
            headstart = _KNOWN_LIMIT_HEADSTART if self._pace_before else 0
            hold_seconds = min(2.0 ** min(self._refusals - 2 + headstart, 10), _MAX_HOLD_SECONDS, retry_after_seconds)
            self._held_until = now + hold_seconds
            self._pace = _Pace(self._rate(), self._held_until)

    def _rate(self) -> float:
        """Returns the posts per second at which to continue, judging by those since the last limit was over."""
        if not self._accepted:
            return _UNKNOWN_PER_SECOND
        return max(_MIN_PER_SECOND, _CAUTION * self._accepted / (self._limited_until - self._measured_since))

    def _seconds_to_wait(self, now: float) -> float:
        if now - max(self._last_at, self._refused_at) > _MEMORY_SECONDS:
            self._pace = None
        slow_seconds = _SLOW_PROBE_SECONDS if self._refusals else _SLOW_SECONDS
        recent = [at for at in self._under_way if now - at < slow_seconds]
        until_room = min(recent) + slow_seconds if len(recent) >= self._max_at_once() else now
        gap = self._pace.gap_seconds(now) if self._pace and not self._refusals else 0.0
        return max(until_room, self._held_until, self._last_at + gap) - now

    def _max_at_once(self) -> int:
        if self._refusals:
            return 1
        return _MAX_AT_ONCE_WHEN_LIMITED if self._pace else _MAX_AT_ONCE
