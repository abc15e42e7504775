"""Keys: names that flows give to messages, valid across runs and restarts."""

from dataclasses import dataclass
from datetime import datetime

from domain.channels import ChannelId


@dataclass(frozen=True, slots=True)
class KeyedMessage:
    """A key within a channel, and its message."""

    channel_id: ChannelId
    key: str
    timestamp: str = ""
    """The timestamp of the message; empty while it is unknown whether its first post took effect."""
    reserved_since: datetime | None = None
    """The time just before the first post that may have taken effect, by the service's clock; None if there is none."""
