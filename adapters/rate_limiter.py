"""A rate limiter in memory, which adapters for one process use or build on."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.rate_limits import MAX_PAUSE_SECONDS, TokenBucket


def _ignore(_name: str, _bucket: TokenBucket | None) -> None:
    """Saves nothing."""


class InMemoryRateLimiter:
    """The buckets of all channels and paused methods, exact while the process lives.

    Calls `on_change` with every changed bucket, and with None for one that is forgotten.
    """

    def __init__(self, clock: Clock, on_change: Callable[[str, TokenBucket | None], None] = _ignore) -> None:
        self._clock = clock
        self._on_change = on_change
        self._buckets: dict[str, TokenBucket] = {}
        self._restored: set[str] = set()
        """The names of buckets from an earlier process, whose clock may have differed."""
        self._steady_at: datetime | None = None

    def restore(self, buckets: Mapping[str, TokenBucket]) -> None:
        """Replaces the buckets by those of an earlier process."""
        self._buckets, self._restored = dict(buckets), set(buckets)

    async def reserve(self, channel_id: ChannelId, per_second: float, burst: int) -> float:
        """Reserves the next free slot for one post. Returns the seconds until it comes."""
        now, before = self._clock.monotonic(), self._buckets.get(channel_id, TokenBucket())
        if channel_id in self._restored:
            self._restored.remove(channel_id)
            before = before.bounded(now, per_second, burst)
        slot, bucket = before.reserve(now, per_second, burst)
        self._store(channel_id, bucket)
        return slot - now

    async def pause(self, name: str, seconds: float) -> None:
        """Pauses a channel or a method for `seconds`, an hour at most."""
        until = self._clock.monotonic() + min(MAX_PAUSE_SECONDS, seconds)
        self._store(name, self._buckets.get(name, TokenBucket()).pause_until(until))

    async def pause_left(self, name: str) -> float:
        """Returns the seconds until its pause ends; 0 if it is not paused."""
        return max(0.0, self._buckets.get(name, TokenBucket()).paused_until - self._clock.monotonic())

    async def paused(self) -> Mapping[str, float]:
        """Returns all pauses by name, each with the seconds until it ends."""
        now = self._clock.monotonic()
        left = {name: bucket.paused_until - now for name, bucket in self._buckets.items()}
        return {name: seconds for name, seconds in left.items() if seconds > 0}

    async def lift(self, names: Collection[str]) -> None:
        """Ends these pauses."""
        for name in names:
            if name in self._buckets:
                self._store(name, replace(self._buckets[name], paused_until=-math.inf))

    async def note_steady(self, at: datetime) -> None:
        """Records that posts wait for nothing but their rate and pauses at this time."""
        self._steady_at = at

    async def steady_at(self) -> datetime | None:
        """Returns the time recorded last."""
        return self._steady_at

    async def sync(self) -> None:
        """Forgets those that have all their slots free again and no pause."""
        now = self._clock.monotonic()
        for name in [name for name, bucket in self._buckets.items() if bucket.is_over(now)]:
            del self._buckets[name]
            self._restored.discard(name)
            self._on_change(name, None)

    def _store(self, name: str, bucket: TokenBucket) -> None:
        self._buckets[name] = bucket
        self._on_change(name, bucket)
