"""Make safe what is said where the pack listens, and follow where the bot is a member."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

import structlog

from application.policies import Listen
from application.ports.receiver import (
    AccessLost,
    Connected,
    Disconnected,
    IncomingEvent,
    MembershipGained,
    MembershipLost,
)
from application.ports.storage import Storage
from application.resilience.storage_retry import Safekeeping
from domain.channels import ChannelId, JoinedChannels
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry
from domain.users import Identity

log = structlog.get_logger()


class ReceiveMessage:
    """What is done with all that the chat service tells of its own accord."""

    def __init__(self, storage: Storage, keep: Safekeeping, listen: Listen, *, receives_bots: bool) -> None:
        self._channels = storage.channels
        self._outbox = storage.outbox
        self._keep = keep
        self._listen = listen
        self._receives_bots = receives_bots

    async def __call__(self, arrivals: Sequence[IncomingEvent], identity: Identity) -> int:
        """Take these in, in their order, and acknowledge each when it is safe; how many messages were new.

        Raises Stopping when the pack ends before; then nothing was acknowledged.
        """
        entries = await self._entries(arrivals, identity)
        new = sum(await self._keep(lambda: self._outbox.append(entries))) if entries else 0
        for arrival in arrivals:
            await arrival.acknowledge()
        return new

    async def _entries(self, arrivals: Sequence[IncomingEvent], identity: Identity) -> list[OutboxEntry]:
        joined = await self._keep(self._channels.joined)
        entries = []
        for arrival in arrivals:
            match arrival.event:
                case IncomingMessage() as said:
                    if self.is_for_us(said, joined, identity):
                        entries.append(OutboxEntry(said, arrival.received_at))
                case MembershipGained() | MembershipLost() as change:
                    joined = await self._follow(change, arrival.received_at, joined)
                case Connected() | Disconnected() | AccessLost():
                    pass
                case _:
                    assert_never(arrival.event)
        return entries

    def is_for_us(self, said: IncomingMessage, joined: JoinedChannels, identity: Identity) -> bool:
        """Whether a message is one that the workflow engine is told of."""
        if said.is_from(identity) or (said.is_from_bot and not self._receives_bots):
            return False
        return said.is_direct or self._listen is Listen.MEMBER or said.channel_id in joined

    async def _follow(
        self, event: MembershipGained | MembershipLost, at: datetime, joined: JoinedChannels
    ) -> JoinedChannels:
        channel_id = event.channel_id
        if isinstance(event, MembershipLost):
            if await self._is_outdated(event):
                log.info("old_removal_ignored", channel=channel_id)
                return joined
            await self._note_no_bystander(channel_id)
            if channel_id in joined:
                log.info("channel_left", channel=channel_id)
                await self._keep(lambda: self._channels.leave(channel_id))
            return joined.leave(channel_id)
        if channel_id not in joined:
            log.info("channel_joined", channel=channel_id)
            await self._keep(lambda: self._channels.join(channel_id, event.happened_at or at))
        return joined.join(channel_id)

    async def _is_outdated(self, lost: MembershipLost) -> bool:
        """Whether the channel was joined, or heard, since: Slack delivers late, and again."""
        since = await self._keep(lambda: self._channels.last_message_at(lost.channel_id))
        return since is not None and lost.happened_at is not None and lost.happened_at < since

    async def _note_no_bystander(self, channel_id: ChannelId) -> None:
        """So that being invited again, while the pack is away, is seen as an invitation."""
        bystanders = await self._keep(self._channels.unjoined_memberships)
        if bystanders is not None and channel_id in bystanders:
            remaining = bystanders - {channel_id}
            await self._keep(lambda: self._channels.set_unjoined_memberships(remaining))
