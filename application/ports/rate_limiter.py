"""The rate at which the pack may post into each channel, and the pauses that the chat service has asked for.

A pause concerns the posts into a channel, or all calls of one method; it has the name of the channel or the method.
"""

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

    async def pause(self, name: str, seconds: float) -> None:
        """Begins a pause, of an hour at most; a longer one stays. A paused channel has no free slot."""

    async def pause_left(self, name: str) -> float:
        """Returns the seconds until the pause of a channel or method ends; 0 if it is not paused."""

    async def paused(self) -> Mapping[str, float]:
        """Returns all pauses by name, each with the seconds until it ends."""

    async def lift(self, names: Collection[str]) -> None:
        """Ends these pauses; in another process that uses the storage, from its next `sync`."""

    async def note_steady(self, at: datetime) -> None:
        """Records that posts wait for nothing but their rate and pauses at this time."""

    async def steady_at(self) -> datetime | None:
        """Returns the time recorded last, perhaps by an earlier process; None if there is none."""

    async def sync(self) -> None:
        """Takes over pauses lifted by other processes, and forgets what is over."""
