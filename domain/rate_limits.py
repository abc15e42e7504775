"""Rate limiting of posts: a token bucket for each channel, by the generic cell rate algorithm (GCRA)."""

import math
from dataclasses import dataclass, replace

MAX_PAUSE_SECONDS = 3600.0
"""The longest pause: even if a service asks for more, it is tried again after an hour."""
PAUSE_REMEMBERED_SECONDS = 60.0
"""How long a pause is remembered after its end, so that no burst follows it."""


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """The posts that one channel has used up. Times are in seconds by a monotonic clock."""

    used_until: float = -math.inf
    """The end of the reserved slots if posts were evenly spaced."""
    paused_until: float = -math.inf
    """No slot before this time."""

    def reserve(self, now: float, per_second: float, burst: int) -> tuple[float, "TokenBucket"]:
        """Returns the next free slot, and the bucket with that slot used.

        `burst` posts may run ahead of `per_second`, but not right after a pause: the service would throttle them again.
        """
        interval = 1 / per_second
        ahead = max(burst - 1, 0) * interval
        used_until = max(self.used_until, self.paused_until + ahead)
        slot = max(now, used_until - ahead)
        return slot, replace(self, used_until=max(used_until, now) + interval)

    def pause_until(self, until: float) -> "TokenBucket":
        """Returns the bucket with no slot before `until`; a longer pause stays."""
        return replace(self, paused_until=max(self.paused_until, until))

    def bounded(self, now: float, per_second: float, burst: int) -> "TokenBucket":
        """Returns the bucket with no more slots used than this rate can have given out."""
        return replace(self, used_until=min(self.used_until, now + max(burst, 1) / per_second))

    def is_over(self, now: float) -> bool:
        """Whether the bucket no longer differs from a new one."""
        return self.used_until <= now and self.paused_until <= now - PAUSE_REMEMBERED_SECONDS
