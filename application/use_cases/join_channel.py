"""JoinChannel: becomes a member of a channel and listens to it."""

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.services.channel_locks import ChannelLocks
from application.services.leased_chats import LeasedChats
from application.use_cases.command_handler import CommandRequest
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.commands import JoinChannel
from domain.errors import ChatError
from domain.events import ChannelJoined, JoinChannelFailed


class JoinChannelHandler:
    """Executes JoinChannel. Repeating it is safe."""

    def __init__(self, chat: Chat, leased_chats: LeasedChats, storage: Storage, channel_locks: ChannelLocks) -> None:
        self._chat = chat
        self._leased_chats = leased_chats
        self._channels = storage.channels
        self._leases = storage.leases
        self._channel_locks = channel_locks

    async def execute(self, request: CommandRequest[JoinChannel]) -> ChannelJoined | JoinChannelFailed:
        """Implements CommandHandler."""
        channel_id = request.command.channel_id
        if missing := request.command.missing():
            return JoinChannelFailed(channel_id, missing)
        return await self.join(channel_id, request.action_id)

    async def join(self, channel_id: ChannelId, action_id: ActionId | None = None) -> ChannelJoined | JoinChannelFailed:
        """Joins a channel, also without an action of a flow. Raises LeaseLost and ShutdownRequested."""
        async with self._channel_locks.acquire(channel_id, action_id) as lease:
            try:
                await self._leased_chats.under(lease).join(channel_id)
            except ChatError as error:
                return JoinChannelFailed(channel_id, str(error))
            await self._leases.check(lease)
            await self._channels.join(channel_id, since=self._chat.now())
        return ChannelJoined(channel_id)
