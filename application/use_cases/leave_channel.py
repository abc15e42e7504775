"""Stop listening to a channel and leave it."""

from application.chat_line import ChatLine
from application.lanes import Lanes
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.safekeeping import Safekeeping
from domain.commands import LeaveChannel as Command
from domain.errors import ChatError
from domain.events import ChannelLeft, LeaveChannelFailed


class LeaveChannel:
    """The command `LeaveChannel`."""

    def __init__(self, chat: Chat, storage: Storage, lanes: Lanes, line: ChatLine, keep: Safekeeping) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._lanes = lanes
        self._line = line
        self._keep = keep

    async def __call__(self, command: Command) -> ChannelLeft | LeaveChannelFailed:
        """Carry it out. A repeat does no harm."""
        channel_id = command.channel_id
        if missing := command.missing():
            return LeaveChannelFailed(channel_id, missing)
        async with self._lanes.turn(channel_id):
            try:
                await self._line(lambda: self._chat.leave(channel_id))
            except ChatError as error:
                return LeaveChannelFailed(channel_id, str(error))
            await self._keep(lambda: self._channels.leave(channel_id))
        return ChannelLeft(channel_id)
