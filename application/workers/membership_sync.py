"""At the start: make up for invitations and removals that nobody heard, and join the default channels."""

import math
from collections.abc import Sequence

import structlog

from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.chat_retry import ChatLine
from application.resilience.shutdown import ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.use_cases.join_channel import JoinChannel
from domain.channels import ChannelId
from domain.commands import JoinChannel as JoinCommand
from domain.errors import ChatError
from domain.events import JoinChannelFailed

log = structlog.get_logger()


class MembershipSync:
    """Brings the joined channels in line with where the bot is a member."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        join_channel: JoinChannel,
        clock: Clock,
        line: ChatLine,
        keep: Safekeeping,
        default_channels: Sequence[ChannelId],
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._join_channel = join_channel
        self._clock = clock
        self._line = line
        self._keep = keep
        self._default_channels = default_channels

    async def reconcile(self) -> None:
        """Join where the bot was invited meanwhile, and leave where it was removed, however long Slack takes to tell.

        What Slack refuses to tell stays as it was.
        """
        try:
            members = await self._line(self._chat.memberships, give_up_seconds=math.inf)
            await self._leave_removed(members)
            await self._join_invited(members)
        except ChatError as error:
            log.warning("memberships_unknown", reason=str(error))

    async def join_defaults(self) -> None:
        """Join the default channels that are not joined yet. A refusal is logged, and ends nothing."""
        try:
            joined = await self._keep(self._channels.joined)
            for channel_id in self._default_channels:
                if channel_id not in joined:
                    await self._join_default(channel_id)
        except ShutdownRequested:
            return

    async def _join_default(self, channel_id: ChannelId) -> None:
        outcome = await self._join_channel(JoinCommand(channel_id))
        if isinstance(outcome, JoinChannelFailed):
            log.error("default_channel_not_joined", channel=channel_id, reason=outcome.error)
        else:
            log.info("default_channel_joined", channel=channel_id)

    async def _leave_removed(self, members: frozenset[ChannelId]) -> None:
        for channel_id in (await self._keep(self._channels.joined)).ids:
            if channel_id in members or await self._is_member(channel_id):
                continue
            log.info("channel_left_while_away", channel=channel_id)
            await self._keep(lambda channel_id=channel_id: self._channels.leave(channel_id))  # type: ignore[misc] # mypy has no type for a lambda with a default

    async def _is_member(self, channel_id: ChannelId) -> bool:
        """Ask about this one channel: a list may leave out what a single answer would not."""
        return await self._line(lambda: self._chat.is_member(channel_id), give_up_seconds=math.inf)

    async def _join_invited(self, members: frozenset[ChannelId]) -> None:
        bystanders = await self._keep(self._channels.unjoined_memberships)
        joined = frozenset((await self._keep(self._channels.joined)).ids)
        gained = members - joined - bystanders if bystanders is not None else frozenset()
        for channel_id in sorted(gained):
            log.info("channel_joined_while_away", channel=channel_id)
            await self._keep(
                lambda channel_id=channel_id: self._channels.join(channel_id, self._clock.now())  # type: ignore[misc] # mypy has no type for a lambda with a default
            )
        remaining = members - joined - gained - frozenset(self._default_channels)
        if remaining != bystanders:
            await self._keep(lambda: self._channels.set_unjoined_memberships(frozenset(remaining)))
