"""The channels that the pack listens to."""

from datetime import datetime, timedelta
from typing import Protocol

from domain.channels import ChannelId, JoinedChannels


class Channels(Protocol):
    """The channels that the pack listens to."""

    async def joined(self) -> JoinedChannels:
        """The joined channels, in the order of joining."""

    async def join(self, channel_id: ChannelId, at: datetime) -> None:
        """Listen to this channel from `at` on. No effect when it is joined already."""

    async def leave(self, channel_id: ChannelId) -> None:
        """Stop listening to this channel. No effect when it is not joined."""

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        """Channels of which the bot was a member without having joined them, when last noted. None: never noted."""

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        """Replace what `bystanders` returns."""

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        """The later of: when the channel was joined, and `overlap` before the timestamp of the last message from it
        that the outbox took. None when neither is known.
        """

    async def active_since(self, moment: datetime) -> frozenset[ChannelId]:
        """The channels, joined or not, from which the outbox took a message with a timestamp of `moment` or later."""
