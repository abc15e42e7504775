"""Finds channels by name."""

import asyncio
import math

from application.ports.chat import Chat
from domain.channels import ChannelId, ChannelInfo, Reference

_REFRESH_SECONDS = 60.0
"""How often the list of channels is fetched at most."""
_MAX_AGE_SECONDS = 3600.0
"""For how long the list serves, since channels get other names and topics."""
_MAX_DIRECT = 10_000
"""Direct messages to remember."""


class ChannelDirectory:
    """The channels by name, from a list that is fetched again when a name is not on it."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._by_name: dict[str, ChannelInfo] = {}
        self._direct: dict[str, ChannelId] = {}
        """By user."""
        self._fetched_at = -math.inf
        self._fetching = asyncio.Lock()

    async def find(self, name: str) -> ChannelInfo | None:
        """Returns the channel with this name, with or without `#`; None if there is none. Raises ChatError."""
        name = name.removeprefix("#")
        if name not in self._by_name or self._age > _MAX_AGE_SECONDS:
            await self._refresh()
        return self._by_name.get(name)

    async def resolve(self, given: ChannelId) -> ChannelId:
        """Returns the id of a channel, however a flow names it; what it gave if there is no such channel.

        Raises ChatError.
        """
        match self._chat.reference(given):
            case Reference.NAME:
                found = await self.find(given)
                return found.id if found else given
            case Reference.PERSON:
                return await self._direct_with(given)
            case Reference.ID:
                return given

    @property
    def _age(self) -> float:
        return asyncio.get_running_loop().time() - self._fetched_at

    async def _refresh(self) -> None:
        async with self._fetching:
            if self._age < _REFRESH_SECONDS:
                return
            channels = await self._chat.channels()
            self._fetched_at = asyncio.get_running_loop().time()
            self._by_name = {channel.name: channel for channel in channels}

    async def _direct_with(self, user_id: str) -> ChannelId:
        if user_id not in self._direct:
            if len(self._direct) >= _MAX_DIRECT:
                self._direct.clear()
            self._direct[user_id] = await self._chat.open_direct(user_id)
        return self._direct[user_id]
