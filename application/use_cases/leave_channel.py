"""Stop listening to a channel and leave it."""

import asyncio

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.chat_retry import ChatLine
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import ChannelLocks
from application.workers.backfill import Backfill
from domain.commands import LeaveChannel as Command
from domain.errors import ChatError
from domain.events import ChannelLeft, LeaveChannelFailed

_LONGEST_WAIT_SECONDS = 10.0
"""For the past of the channel, after a start; a chat service that does not tell it holds up no flow for longer."""


class LeaveChannel:
    """The command `LeaveChannel`."""

    def __init__(
        self, chat: Chat, storage: Storage, lanes: ChannelLocks, line: ChatLine, keep: Safekeeping, catch_up: Backfill
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._lanes = lanes
        self._line = line
        self._keep = keep
        self._catch_up = catch_up

    async def __call__(self, command: Command) -> ChannelLeft | LeaveChannelFailed:
        """Carry it out. A repeat does no harm."""
        channel_id = command.channel_id
        if missing := command.missing():
            return LeaveChannelFailed(channel_id, missing)
        # What was said there before a kill is still the flows' to hear, and a broadcast taken before goes first.
        await self._catch_up.wait_until_done(channel_id, _LONGEST_WAIT_SECONDS)
        await asyncio.sleep(0)
        async with self._lanes.acquire(channel_id):
            try:
                await self._line(lambda: self._chat.leave(channel_id))
            except ChatError as error:
                return LeaveChannelFailed(channel_id, str(error))
            await self._keep(lambda: self._channels.leave(channel_id))
        return ChannelLeft(channel_id)
