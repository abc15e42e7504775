"""Rate limiting of posts: a token bucket for each channel, by the generic cell rate algorithm (GCRA)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from domain.channels import ChannelId

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """The posts that one channel has used up."""

    used_until: datetime = _LONG_AGO
    """When the slots given out would end if posts were evenly spaced."""
    paused_until: datetime = _LONG_AGO
    """No slot before this time."""

    def reserve(self, now: datetime, per_second: float, burst: int) -> tuple[datetime, "TokenBucket"]:
        """Returns the next free slot, and the bucket with that slot used.

        `burst` posts may run ahead of `per_second`, but not right after a pause: the service would throttle them again.
        """
        interval = timedelta(seconds=1 / per_second)
        ahead = max(burst - 1, 0) * interval
        used_until = max(self.used_until, self.paused_until + ahead)
        slot = max(now, used_until - ahead)
        return slot, replace(self, used_until=max(used_until, now) + interval)

    def pause_until(self, until: datetime) -> "TokenBucket":
        """Returns the bucket with no slot before `until`; a longer pause stays."""
        return replace(self, paused_until=max(self.paused_until, until))


class _Clock(Protocol):
    def now(self) -> datetime: ...


def _ignore(_channel_id: ChannelId, _bucket: TokenBucket) -> None:
    """For limiters that save nothing."""


class InMemoryRateLimiter:
    """The buckets of all channels, exact while the process lives. Calls `on_change` with every change."""

    def __init__(self, clock: _Clock, on_change: Callable[[ChannelId, TokenBucket], None] = _ignore) -> None:
        self._clock = clock
        self._on_change = on_change
        self._buckets: dict[ChannelId, TokenBucket] = {}

    def restore(self, buckets: Mapping[ChannelId, TokenBucket]) -> None:
        """Replaces the buckets."""
        self._buckets = dict(buckets)

    async def reserve(self, channel_id: ChannelId, per_second: float, burst: int) -> float:
        """Reserves the next free slot for one post. Returns the seconds until it comes."""
        now = self._clock.now()
        slot, bucket = self._bucket(channel_id).reserve(now, per_second, burst)
        self._store(channel_id, bucket)
        return (slot - now).total_seconds()

    async def pause(self, channel_id: ChannelId, seconds: float) -> None:
        """Gives out no slot in this channel for so long."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._store(channel_id, self._bucket(channel_id).pause_until(until))

    async def paused(self) -> Mapping[ChannelId, datetime]:
        """Returns the channels that are paused now, and until when."""
        now = self._clock.now()
        return {
            channel_id: bucket.paused_until for channel_id, bucket in self._buckets.items() if bucket.paused_until > now
        }

    def _bucket(self, channel_id: ChannelId) -> TokenBucket:
        return self._buckets.get(channel_id, TokenBucket())

    def _store(self, channel_id: ChannelId, bucket: TokenBucket) -> None:
        self._buckets[channel_id] = bucket
        self._on_change(channel_id, bucket)
