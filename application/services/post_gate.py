"""Admits posts, so that a limit on all channels together costs few refused requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from application.resilience.shutdown import Shutdown
from domain.errors import ChatRejected, RateLimited

_MAX_AT_ONCE = 20
_SLOW_SECONDS = 1.0
"""A post that takes longer no longer counts as one of those at once: a slow channel delays no other."""
_FIRST_HOLD_SECONDS, _MAX_HOLD_SECONDS = 1.0, 30.0
_FIRST_GAP_SECONDS, _MAX_GAP_SECONDS = 0.25, 2.0
_GAP_GROWTH, _GAP_SHRINKAGE = 1.4, 0.98
_RETRY_AFTER_PRECISION_SECONDS = 1.0
"""The service rounds up."""
_MEMORY_SECONDS = 60.0
"""A limit that was reached longer ago is forgotten: the service counts by the minute."""


class PostGate:
    """The posts of all channels.

    A refusal does not say whether the service limits the channel or all posts. After one, the next post goes alone. If
    it is accepted, only the first channel was limited, and all others go on at once. If it is refused too, all posts
    are held, for longer with each one that is tried and refused. After that they go with a gap in between, which grows
    when one is accepted after a refusal, and shrinks with every other one.
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
        """When the last refusal would end if it concerned all posts."""
        self._is_suspected = False
        """The latest answer was a refusal."""
        self._hold_seconds = _FIRST_HOLD_SECONDS
        self._held_until = 0.0
        self._gap_seconds = 0.0

    async def enter(self) -> float:
        """Returns when the post may be sent: first come, first served. The ticket is for `observe`.

        Raises ShutdownRequested if the pack is to end before.
        """
        async with self._turn:
            while (seconds := self._seconds_to_wait(_now())) > 0:
                self._answered.clear()
                await self._shutdown.wait(seconds, self._answered)
            self._last_at = _now()
            self._under_way.append(self._last_at)
            return self._last_at

    @contextmanager
    def observe(self, ticket: float) -> Iterator[None]:
        """Sends the post of a ticket within, and learns from how it ends."""
        try:
            yield
        except RateLimited as limit:
            if self._is_news(ticket):
                self._on_refused(limit.retry_after_seconds, _now())
            raise
        except ChatRejected:
            self._on_accepted(ticket)
            raise
        else:
            self._on_accepted(ticket)
        finally:
            self._under_way.remove(ticket)
            self._answered.set()

    def _is_news(self, ticket: float) -> bool:
        """Whether the post was sent after the last refusal was known."""
        return ticket >= self._refused_at

    def _on_accepted(self, ticket: float) -> None:
        if not self._is_news(ticket):
            return
        if _now() < self._limited_until - _RETRY_AFTER_PRECISION_SECONDS:
            self._gap_seconds = 0.0  # the last refusal cannot have concerned all posts
        else:
            change = _GAP_GROWTH if self._is_suspected else _GAP_SHRINKAGE
            self._gap_seconds = min(change * self._gap_seconds, _MAX_GAP_SECONDS)
        self._is_suspected = False
        self._hold_seconds = _FIRST_HOLD_SECONDS

    def _on_refused(self, retry_after_seconds: float, now: float) -> None:
        self._refused_at, self._limited_until = now, now + retry_after_seconds
        if not self._is_suspected:
            self._is_suspected = True
            return
        self._gap_seconds = self._gap_seconds or _FIRST_GAP_SECONDS
        self._held_until = now + min(retry_after_seconds, self._hold_seconds)
        self._hold_seconds = min(2 * self._hold_seconds, _MAX_HOLD_SECONDS)

    def _seconds_to_wait(self, now: float) -> float:
        if now - max(self._last_at, self._refused_at) > _MEMORY_SECONDS:
            self._gap_seconds = 0.0
        recent = [at for at in self._under_way if now - at < _SLOW_SECONDS]
        is_full = len(recent) >= (1 if self._is_suspected else _MAX_AT_ONCE)
        until_room = min(recent) + _SLOW_SECONDS if is_full else now
        gap = 0.0 if self._is_suspected else self._gap_seconds
        return max(until_room, self._held_until, self._last_at + gap) - now


def _now() -> float:
    return asyncio.get_running_loop().time()
