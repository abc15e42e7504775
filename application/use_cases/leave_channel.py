"""LeaveChannel: stops listening to a channel and leaves it."""

import asyncio

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.services.backfill_progress import BackfillProgress
from application.services.channel_locks import ChannelLocks
from application.services.leased_chats import LeasedChats
from application.services.membership_doubts import MembershipDoubts
from application.use_cases.command_handler import CommandRequest
from domain.channels import ChannelId
from domain.commands import LeaveChannel
from domain.errors import ChannelInaccessible, ChatError, ChatRejected
from domain.events import ChannelLeft, LeaveChannelFailed

_BACKFILL_TIMEOUT_SECONDS = 10.0
"""The longest wait for the backfill after a start: a slow history delays no flow for longer."""


class LeaveChannelHandler:
    """Executes LeaveChannel. Repeating it is safe."""

    def __init__(
        self,
        leased_chats: LeasedChats,
        storage: Storage,
        channel_locks: ChannelLocks,
        backfill: BackfillProgress,
        membership_doubts: MembershipDoubts,
    ) -> None:
        self._leased_chats = leased_chats
        self._channels = storage.channels
        self._leases = storage.leases
        self._channel_locks = channel_locks
        self._backfill = backfill
        self._membership_doubts = membership_doubts

    async def execute(self, request: CommandRequest[LeaveChannel]) -> ChannelLeft | LeaveChannelFailed:
        """Implements CommandHandler."""
        channel_id = request.command.channel_id
        if missing := request.command.missing():
            return LeaveChannelFailed(channel_id, missing)
        # Flows still have to receive messages from before a crash, and an earlier broadcast goes first.
        await self._backfill.wait_until_done(channel_id, _BACKFILL_TIMEOUT_SECONDS)
        await asyncio.sleep(0)
        async with self._channel_locks.acquire(channel_id, request.action_id) as lease:
            chat = self._leased_chats.under(lease)
            try:
                await chat.leave(channel_id)
            except ChatError as error:
                if not await self._is_gone(chat, channel_id, error):
                    return LeaveChannelFailed(channel_id, str(error))
            await self._leases.check(lease)
            await self._channels.leave(channel_id)
        self._membership_doubts.recheck(channel_id)
        return ChannelLeft(channel_id)

    async def _is_gone(self, chat: Chat, channel_id: ChannelId, error: ChatError) -> bool:
        """Whether there is nothing left to leave: the channel had been joined, and is not accessible any more."""
        if not isinstance(error, ChatRejected) or not await self._channels.was_joined(channel_id):
            return False
        if isinstance(error, ChannelInaccessible):
            return True
        try:
            return not await chat.is_member(channel_id)
        except ChatError:
            return False
