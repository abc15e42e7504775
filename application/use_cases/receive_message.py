"""Stores the messages to be delivered to flows, and follows the bot's memberships."""

from collections.abc import Sequence
from dataclasses import replace
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
from domain.channels import ChannelId, JoinedChannels
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry, message_entry
from domain.users import Identity

log = structlog.get_logger()


class ReceiveMessage:
    """Handles everything that the chat service sends of its own accord."""

    def __init__(self, storage: Storage, listen: Listen, *, receives_bots: bool) -> None:
        self._channels = storage.channels
        self._outbox = storage.outbox
        self._listen = listen
        self._receives_bots = receives_bots

    async def receive(self, events: Sequence[IncomingEvent], identity: Identity, *, is_backfilled: bool = False) -> int:
        """Handles the events in order, and acknowledges each once it is stored. Returns how many messages were new.

        `is_backfilled` marks messages that come from the history.
        Raises ShutdownRequested if the pack is to end before; then nothing was acknowledged.
        """
        entries = [replace(entry, is_backfilled=is_backfilled) for entry in await self._handle(events, identity)]
        new = sum(await self._outbox.append(entries)) if entries else 0
        for event in events:
            await event.acknowledge()
        return new

    def is_relevant(self, message: IncomingMessage, joined: JoinedChannels, identity: Identity) -> bool:
        """Returns whether the workflow engine receives the message."""
        if message.is_from(identity) or (message.is_from_bot and not self._receives_bots):
            return False
        return message.is_direct or self._listen is Listen.MEMBER or message.channel_id in joined

    async def _handle(self, events: Sequence[IncomingEvent], identity: Identity) -> list[OutboxEntry]:
        """Applies the changes of membership, and returns the entries to store."""
        joined = await self._channels.joined()
        entries = []
        for incoming in events:
            match incoming.event:
                case IncomingMessage() as message:
                    if self.is_relevant(message, joined, identity):
                        entries.append(message_entry(message, incoming.received_at))
                case MembershipGained() as gained:
                    joined = await self._on_gained(gained, incoming.received_at, joined)
                case MembershipLost() as lost:
                    joined = await self._on_lost(lost, joined)
                case Connected() | Disconnected() | AccessLost():
                    pass
                case _:
                    assert_never(incoming.event)
        return entries

    async def _on_gained(self, gained: MembershipGained, at: datetime, joined: JoinedChannels) -> JoinedChannels:
        channel_id = gained.channel_id
        if channel_id not in joined:
            log.info("channel_joined", channel=channel_id)
            await self._channels.join(channel_id, since=gained.happened_at or at)
        return joined.join(channel_id)

    async def _on_lost(self, lost: MembershipLost, joined: JoinedChannels) -> JoinedChannels:
        channel_id = lost.channel_id
        if await self._is_outdated(lost):
            log.info("old_removal_ignored", channel=channel_id)
            return joined
        await self._remove_unjoined_membership(channel_id)
        if channel_id in joined:
            log.info("channel_left", channel=channel_id)
            await self._channels.leave(channel_id)
        return joined.leave(channel_id)

    async def _is_outdated(self, lost: MembershipLost) -> bool:
        """Whether the channel was joined or active since: the chat service delivers events late, and repeatedly."""
        since = await self._channels.last_message_at(lost.channel_id)
        return since is not None and lost.happened_at is not None and lost.happened_at < since

    async def _remove_unjoined_membership(self, channel_id: ChannelId) -> None:
        """Makes sure that a new invitation is noticed, even while the pack is not running."""
        unjoined = await self._channels.unjoined_memberships()
        if unjoined is not None and channel_id in unjoined:
            await self._channels.set_unjoined_memberships(unjoined - {channel_id})
