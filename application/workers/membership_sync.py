"""At the start: follows invitations and removals that the pack missed, and joins the default channels."""

from collections.abc import Sequence

import structlog

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.shutdown import ShutdownRequested
from application.use_cases.join_channel import JoinChannelHandler
from domain.channels import ChannelId
from domain.errors import ChatError
from domain.events import JoinChannelFailed

log = structlog.get_logger()


class MembershipSync:
    """Brings the joined channels in line with the bot's memberships."""

    def __init__(
        self, chat: Chat, storage: Storage, join_channel: JoinChannelHandler, default_channels: Sequence[ChannelId]
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._join_channel = join_channel
        self._default_channels = default_channels

    async def reconcile(self) -> None:
        """Joins where the bot has been invited and leaves where it was removed, however long the chat service takes.

        What the chat service refuses to tell stays as it was.
        """
        try:
            members = await self._chat.memberships()
            await self._leave_removed(members)
            await self._join_invited(members)
        except ChatError as error:
            log.warning("memberships_unknown", reason=str(error))

    async def join_defaults(self) -> None:
        """Joins the default channels that are not joined yet. A refusal is logged, and ends nothing."""
        try:
            joined = await self._channels.joined()
            for channel_id in self._default_channels:
                if channel_id not in joined:
                    await self._join_default(channel_id)
        except ShutdownRequested:
            return

    async def _join_default(self, channel_id: ChannelId) -> None:
        outcome = await self._join_channel.join(channel_id)
        if isinstance(outcome, JoinChannelFailed):
            log.error("default_channel_not_joined", channel=channel_id, reason=outcome.error)
        else:
            log.info("default_channel_joined", channel=channel_id)

    async def _leave_removed(self, members: frozenset[ChannelId]) -> None:
        for channel_id in (await self._channels.joined()).ids:
            # The list may omit a channel that a single question would show.
            if channel_id not in members and not await self._chat.is_member(channel_id):
                log.info("channel_left_while_away", channel=channel_id)
                await self._channels.leave(channel_id)

    async def _join_invited(self, members: frozenset[ChannelId]) -> None:
        unjoined = await self._channels.unjoined_memberships()
        joined = frozenset((await self._channels.joined()).ids)
        gained = members - joined - unjoined if unjoined is not None else frozenset()
        for channel_id in sorted(gained):
            log.info("channel_joined_while_away", channel=channel_id)
            await self._channels.join(channel_id)
        remaining = members - joined - gained - frozenset(self._default_channels)
        if remaining != unjoined:
            await self._channels.set_unjoined_memberships(remaining)
