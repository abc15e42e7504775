"""Slack's rate limits: tiers of calls a minute for each method, and the pace of posts into one channel."""

import math
import time
from collections.abc import Callable
from typing import Final

POST: Final = "chat.postMessage"


class Bucket:
    """A store of permissions that refills steadily; one permission for one call."""

    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._level = capacity
        self._at = now

    def take(self, now: float) -> float:
        """Take one; 0 when there was one, otherwise the seconds until there is."""
        self._level = min(self._capacity, self._level + (now - self._at) * self._per_second)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._per_second


class RateLimits:
    """The limits as they are switched: both kinds are off until someone switches them on.

    `per_minute` overrides a method's tier, also while the tiers are off.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tiers: bool = False
        self.posts: bool = False
        self.posts_per_second: float = 1.0
        self.post_burst: int = 5
        self.calls_per_minute_by_tier: Final[dict[int, int]] = {1: 1, 2: 20, 3: 50, 4: 100}
        self.per_minute: Final[dict[str, int]] = {}
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def reset(self) -> None:
        """Forget what was used up, so that changed figures hold at once."""
        self._buckets.clear()

    def retry_after(self, method: str, tier: int | None, channel: str) -> int | None:
        """Count a call; None when it may go through, otherwise the whole seconds to wait, at least one."""
        waits = [self._wait_for_method(method, tier)]
        if self.posts and method == POST and channel and not waits[0]:
            waits.append(self._take((POST, channel), self.post_burst, self.posts_per_second))
        longest = max(waits)
        return max(1, math.ceil(longest)) if longest else None

    def _wait_for_method(self, method: str, tier: int | None) -> float:
        calls = self.per_minute.get(method)
        if calls is None and self.tiers and tier is not None:
            calls = self.calls_per_minute_by_tier[tier]
        return self._take((method, ""), calls, calls / 60) if calls else 0.0

    def _take(self, key: tuple[str, str], size: float, per_second: float) -> float:
        now = self._clock()
        if key not in self._buckets:
            self._buckets[key] = Bucket(size, per_second, now)
        return self._buckets[key].take(now)
