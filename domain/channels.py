"""Channels, and the set of them that the pack listens to."""

from dataclasses import dataclass
from typing import NewType

ChannelId = NewType("ChannelId", str)
"""Slack's id of a conversation (`C024BE91L`), or whatever a flow gave in its place. No form is checked."""


def is_direct(channel_id: ChannelId) -> bool:
    """Whether this is a conversation of one person with the bot, which needs no joining."""
    return channel_id.startswith("D")


@dataclass(frozen=True, slots=True)
class JoinedChannels:
    """The joined channels, in the order of joining."""

    ids: tuple[ChannelId, ...] = ()

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self.ids

    def join(self, channel_id: ChannelId) -> "JoinedChannels":
        """The same channels and this one; itself when that one is joined already."""
        return self if channel_id in self.ids else JoinedChannels((*self.ids, channel_id))

    def leave(self, channel_id: ChannelId) -> "JoinedChannels":
        """The same channels without this one."""
        return JoinedChannels(tuple(joined for joined in self.ids if joined != channel_id))
