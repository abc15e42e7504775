"""The rate at which the pack may post into each channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.channels import ChannelId


class RateLimiter(Protocol):
    """Part of a Storage, whose docstring applies. Exact while the process lives; a crash may lose the last moments."""

    async def reserve(self, channel_id: ChannelId, per_second: float, burst: int) -> float:
        """Reserves the next free slot for one post. Returns the seconds until it comes (0: now).

        `burst` posts may run ahead of the rate of `per_second`.
        """

    async def pause(self, channel_id: ChannelId, seconds: float) -> None:
        """Gives out no slot in this channel for so long; a longer pause stays."""

    async def paused(self) -> Mapping[ChannelId, datetime]:
        """Returns the channels that are paused now, and until when."""
