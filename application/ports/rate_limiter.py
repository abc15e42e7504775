"""How fast posts may go into each channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.channels import ChannelId


class RateLimiter(Protocol):
    """How fast posts may go into each channel. Exact while the process lives; a crash may forget the last moments."""

    async def reserve(self, channel_id: ChannelId, now: datetime, per_second: float, burst: int) -> float:
        """Take the next free place for one post; the seconds until it comes (0: at once).

        `burst` posts may run ahead of the pace of `per_second`.
        """

    async def pause_until(self, channel_id: ChannelId, until: datetime) -> None:
        """Give out no place in this channel before that time."""

    async def paused_until(self, now: datetime) -> Mapping[ChannelId, datetime]:
        """The channels that are held at `now`, and until when."""
