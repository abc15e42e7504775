"""The messages that flows address by keys of their own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain.channels import ChannelId
from domain.message_keys import KeyedMessage


class MessageKeys(Protocol):
    """Keys and their messages, each key within its channel. Part of a Storage, whose docstring applies."""

    async def find(self, channel_id: ChannelId, key: str) -> KeyedMessage | None:
        """Returns what is known of a key; None if nothing is."""

    async def reserve(self, channel_id: ChannelId, key: str, since: datetime) -> KeyedMessage:
        """Reserves a key without a message, for a post that is about to be sent at `since`, by the service's clock.

        Returns what is known of the key now: the earliest reservation stays, and so does a message.
        """

    async def bind(self, channel_id: ChannelId, key: str, timestamp: str) -> None:
        """Records that the key belongs to this message from now on, and that it was used."""

    async def touch(self, channel_id: ChannelId, key: str) -> None:
        """Records that the key was used, which begins its age anew. No effect for an unknown key."""

    async def release(self, channel_id: ChannelId, key: str) -> None:
        """Forgets a reservation whose post certainly does not exist. A key with a message stays."""

    async def free(self, channel_id: ChannelId, timestamp: str) -> None:
        """Forgets the keys of a message, which was deleted."""

    async def keys_of(self, messages: Sequence[tuple[ChannelId, str]]) -> list[str]:
        """Returns the key of each message, given by channel and timestamp; empty for those without one.

        Of several keys it is the one that was used last.
        """

    async def purge(self, older_than: timedelta) -> int:
        """Forgets keys that were used last longer ago. Returns how many. Time counts as for outboxes."""
