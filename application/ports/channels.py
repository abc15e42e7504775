"""The channels that the pack listens to, and when it last received a message from each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain.channels import ChannelId, JoinedChannels


class Channels(Protocol):
    """Joined channels and the bot's other memberships. Part of a Storage, whose docstring applies."""

    async def joined(self) -> JoinedChannels:
        """Returns the joined channels, in the order of joining."""

    async def join(self, channel_id: ChannelId, *, since: datetime) -> None:
        """Starts listening to a channel, as of `since` by the chat service's clock. No effect if it is joined."""

    async def note_listening(self, channel_ids: Sequence[ChannelId], since: datetime) -> None:
        """Records since when the pack listens to channels of which that is not known; others keep their time."""

    async def was_joined(self, channel_id: ChannelId) -> bool:
        """Returns whether the pack listens to the channel, or did so at any time."""

    async def leave(self, channel_id: ChannelId) -> None:
        """Stops listening to a channel. No effect if it is not joined."""

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        """Returns the channels that the bot was a member of without having joined them; None if never set."""

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        """Replaces what `unjoined_memberships` returns."""

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        """Returns the later of the time since which the pack listens, and `overlap` before the timestamp of the
        channel's latest message in the outbox. None if neither is known.
        """

    async def active_since(self, time: datetime) -> frozenset[ChannelId]:
        """Returns the channels, joined or not, whose latest message in the outbox has this timestamp or a later one."""
