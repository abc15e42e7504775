"""The rate at which the pack may post into each channel, and the pauses that the chat service has asked for."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from domain.channels import ChannelId


class RateLimiter(Protocol):
    """Part of a Storage, whose docstring applies. Exact while the process lives; a crash may lose the last moments.

    Setting the machine's clock changes no rate and no pause. After a restart with another time of day, none lasts
    longer than it did when it was stored.
    """

    async def reserve(self, channel_id: ChannelId, per_second: float, burst: int) -> float:
        """Reserves the next free slot for one post. Returns the seconds until it comes (0: now).

        `burst` posts may run ahead of the rate of `per_second`.
        """

    async def pause(self, channel_id: ChannelId, seconds: float) -> None:
        """Gives out no slot in this channel for so long, an hour at most; a longer pause stays."""

    async def paused(self) -> Mapping[ChannelId, float]:
        """Returns the channels that are paused, and for how many seconds more."""

    async def lift(self, channel_ids: Collection[ChannelId]) -> None:
        """Ends the pauses of these channels; in another process that uses the storage, from its next `sync`."""

    async def note_steady(self, at: datetime) -> None:
        """Records that posts wait for nothing but their rate and pauses at this time."""

    async def steady_at(self) -> datetime | None:
        """Returns the time recorded last, perhaps by an earlier process; None if there is none."""

    async def sync(self) -> None:
        """Takes over pauses lifted by other processes, and forgets what is over."""
