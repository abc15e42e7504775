"""How fast posts may go into each channel: the arithmetic, and a keeper that counts in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from domain.channels import ChannelId

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """What one channel's posts have used up of the future (the generic cell rate algorithm, GCRA)."""

    used_until: datetime = _LONG_AGO
    """Until when the places given out last, at an even pace."""
    paused_until: datetime = _LONG_AGO
    """No place before this."""

    def reserve(self, now: datetime, per_second: float, burst: int) -> tuple[datetime, "TokenBucket"]:
        """The next free place, and the pace with that place given out.

        A hold leaves nothing to run ahead with: who was told to wait would at once be told again.
        """
        interval = timedelta(seconds=1 / per_second)
        ahead = max(burst - 1, 0) * interval
        used_until = max(self.used_until, self.paused_until + ahead)
        place = max(now, used_until - ahead)
        return place, replace(self, used_until=max(used_until, now) + interval)

    def pause_until(self, until: datetime) -> "TokenBucket":
        """The pace with no place before that time; an earlier hold that lasts longer stays."""
        return replace(self, paused_until=max(self.paused_until, until))


def _forget_change(_channel_id: ChannelId, _pace: TokenBucket) -> None:
    """For who keeps nothing."""


class InMemoryRateLimiter:
    """The paces of all channels, exact while the process lives; `note` is told of each change."""

    def __init__(self, note: Callable[[ChannelId, TokenBucket], None] = _forget_change) -> None:
        self._note = note
        self._paces: dict[ChannelId, TokenBucket] = {}

    def restore(self, paces: Mapping[ChannelId, TokenBucket]) -> None:
        """Start from these."""
        self._paces = dict(paces)

    async def reserve(self, channel_id: ChannelId, now: datetime, per_second: float, burst: int) -> float:
        """Reserve the next free place for one post; returns the seconds until it comes."""
        place, pace = self._of(channel_id).reserve(now, per_second, burst)
        self._change(channel_id, pace)
        return (place - now).total_seconds()

    async def pause_until(self, channel_id: ChannelId, until: datetime) -> None:
        """Give out no place in this channel before `until`."""
        self._change(channel_id, self._of(channel_id).pause_until(until))

    async def paused_until(self, now: datetime) -> Mapping[ChannelId, datetime]:
        """Return the channels that are held at `now`, and until when."""
        return {channel_id: pace.paused_until for channel_id, pace in self._paces.items() if pace.paused_until > now}

    def _of(self, channel_id: ChannelId) -> TokenBucket:
        return self._paces.get(channel_id, TokenBucket())

    def _change(self, channel_id: ChannelId, pace: TokenBucket) -> None:
        self._paces[channel_id] = pace
        self._note(channel_id, pace)
