"""Channels, and the set of them that the pack listens to."""

from dataclasses import dataclass
from enum import Enum
from typing import NewType

ChannelId = NewType("ChannelId", str)
"""The chat service's id of a conversation (`C024BE91L`), or whatever a flow gave instead. Its form is not checked."""

NO_CHANNEL = ChannelId("")
"""The channel id of events that belong to no channel."""


class Reference(Enum):
    """How a flow names a channel."""

    ID = "id"
    NAME = "name"
    PERSON = "person"
    """A person: the channel is their direct messages with the bot."""


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel as the chat service describes it."""

    id: ChannelId
    name: str
    """Without `#`."""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class JoinedChannels:
    """The joined channels, in the order of joining."""

    ids: tuple[ChannelId, ...] = ()

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self.ids

    def join(self, channel_id: ChannelId) -> "JoinedChannels":
        """Returns these channels and the given one."""
        return self if channel_id in self.ids else JoinedChannels((*self.ids, channel_id))

    def leave(self, channel_id: ChannelId) -> "JoinedChannels":
        """Returns these channels without the given one."""
        return JoinedChannels(tuple(joined for joined in self.ids if joined != channel_id))
