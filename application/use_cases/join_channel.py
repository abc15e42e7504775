"""Become a member of a channel and listen to it."""

from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.chat_retry import ChatLine
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import ChannelLocks
from domain.commands import JoinChannel as Command
from domain.errors import ChatError
from domain.events import ChannelJoined, JoinChannelFailed


class JoinChannel:
    """The command `JoinChannel`."""

    def __init__(
        self, chat: Chat, storage: Storage, lanes: ChannelLocks, clock: Clock, line: ChatLine, keep: Safekeeping
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._lanes = lanes
        self._clock = clock
        self._line = line
        self._keep = keep

    async def __call__(self, command: Command) -> ChannelJoined | JoinChannelFailed:
        """Carry it out. A repeat does no harm."""
        channel_id = command.channel_id
        if missing := command.missing():
            return JoinChannelFailed(channel_id, missing)
        async with self._lanes.acquire(channel_id):
            try:
                await self._line(lambda: self._chat.join(channel_id))
            except ChatError as error:
                return JoinChannelFailed(channel_id, str(error))
            await self._keep(lambda: self._channels.join(channel_id, self._clock.now()))
        return ChannelJoined(channel_id)
