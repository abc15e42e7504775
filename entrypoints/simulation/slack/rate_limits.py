"""Slack's rate limits: calls per minute by a method's tier, and the rate of posts into one channel."""

import math
import time
from collections.abc import Callable
from typing import Final

POST: Final = "chat.postMessage"


class RateLimits:
    """Both kinds of limits are off until `tiers` or `posts` is set.

    `per_minute` overrides the limit of a method's tier, even while `tiers` is off.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tiers = False
        self.posts = False
        self.posts_per_second = 1.0
        self.post_burst = 5
        self.calls_per_minute_by_tier: Final = {1: 1, 2: 20, 3: 50, 4: 100}
        self.per_minute: Final[dict[str, int]] = {}
        self._clock = clock
        self._full_at: dict[tuple[str, str], float] = {}
        """The time at which each bucket of calls is full again."""

    def reset(self) -> None:
        """Refills all buckets, so that changed limits apply at once."""
        self._full_at.clear()

    def retry_after(self, method: str, tier: int | None, channel: str) -> int | None:
        """Counts a call. Returns None if it is allowed, otherwise the whole seconds to wait, at least one."""
        wait = self._wait_for_method(method, tier)
        if self.posts and method == POST and channel and not wait:
            wait = self._take((POST, channel), self.post_burst, self.posts_per_second)
        return max(1, math.ceil(wait)) if wait else None

    def _wait_for_method(self, method: str, tier: int | None) -> float:
        calls = self.per_minute.get(method)
        if calls is None and self.tiers and tier is not None:
            calls = self.calls_per_minute_by_tier[tier]
        return self._take((method, ""), calls, calls / 60) if calls else 0.0

    def _take(self, key: tuple[str, str], capacity: int, per_second: float) -> float:
        """Takes one call from a bucket; returns 0, or the seconds until it has one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - (capacity - 1) / per_second - now
        if wait > 0:
            return wait
        self._full_at[key] = full_at + 1 / per_second
        return 0.0
