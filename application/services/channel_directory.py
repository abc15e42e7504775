"""Finds channels by name."""

import asyncio
import math

from application.loop_time import loop_time
from application.ports.chat import Chat
from domain.channels import ChannelId, ChannelInfo, Reference
from domain.errors import ChatRejected

_REFRESH_SECONDS = 60.0
"""How often the list of channels is fetched at most."""
_MAX_AGE_SECONDS = 3600.0
"""How long the list is valid, since names and topics of channels change."""
_MAX_LEARNED = 10_000
"""Other names to remember."""


class ChannelDirectory:
    """The channels by name, from a list that is fetched again when a name is not on it."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._by_name: dict[str, ChannelInfo] = {}
        self._learned: dict[ChannelId, ChannelId] = {}
        """Ids that the service has answered with, by what flows gave: people, and names that could not be looked up."""
        self._fetched_at = -math.inf
        self._fetching = asyncio.Lock()

    async def find(self, name: str) -> ChannelInfo | None:
        """Returns the channel with this name, with or without `#`; None if there is none. Raises ChatError."""
        name = name.removeprefix("#")
        if name not in self._by_name or self._age > _MAX_AGE_SECONDS:
            await self._refresh()
        return self._by_name.get(name)

    async def resolve(self, given: ChannelId) -> ChannelId:
        """Returns the id of a channel, however a flow names it. Raises Unreachable.

        Returns the given value if there is no such channel, or if the bot may not look it up but may be allowed to post
        there.
        """
        if given in self._learned:
            return self._learned[given]
        try:
            return await self._look_up(given)
        except ChatRejected:
            return given

    def learn(self, given: ChannelId, channel_id: ChannelId) -> None:
        """Remembers the id to which the service has resolved this name or person."""
        if len(self._learned) >= _MAX_LEARNED:
            self._learned.clear()
        self._learned[given] = channel_id

    async def _look_up(self, given: ChannelId) -> ChannelId:
        match self._chat.reference(given):
            case Reference.NAME:
                found = await self.find(given)
                return found.id if found else given
            case Reference.PERSON:
                self.learn(given, await self._chat.open_direct(given))
                return self._learned[given]
            case Reference.ID:
                return given

    @property
    def _age(self) -> float:
        return loop_time() - self._fetched_at

    async def _refresh(self) -> None:
        async with self._fetching:
            if self._age < _REFRESH_SECONDS:
                return
            channels = await self._chat.channels()
            self._fetched_at = loop_time()
            self._by_name = {channel.name: channel for channel in channels}
