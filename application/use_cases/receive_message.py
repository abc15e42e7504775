"""Stores the messages to be delivered to flows, and follows the bot's memberships."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from application.policies import Listen
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    Connected,
    Disconnected,
    IncomingEvent,
    MembershipGained,
    MembershipLost,
    OtherWorkspaceEvent,
)
from application.ports.storage import Storage
from application.services.membership_doubts import MembershipDoubts
from domain.channels import ChannelId, JoinedChannels
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry, outbox_entry
from domain.users import Identity

log = structlog.get_logger()

_MAX_WORKSPACES = 1_000
"""That are logged, each once."""


@dataclass(slots=True)
class _Batch:
    """Events that are handled together."""

    joined: JoinedChannels
    expected: frozenset[ChannelId]
    """As of before `joined`."""
    entries: list[OutboxEntry] = field(default_factory=list)
    handled: list[IncomingEvent] = field(default_factory=list)
    """To be acknowledged once the entries are stored."""


class ReceiveMessage:
    """Handles everything that the chat service sends of its own accord."""

    def __init__(self, storage: Storage, doubts: MembershipDoubts, listen: Listen, *, receives_bots: bool) -> None:
        self._channels = storage.channels
        self._outbox = storage.outbox
        self._gaps = storage.gaps
        self._doubts = doubts
        self._listen = listen
        self._receives_bots = receives_bots
        self._other_workspaces: set[str] = set()

    async def receive(self, events: Sequence[IncomingEvent], identity: Identity, *, is_backfilled: bool = False) -> int:
        """Handles the events in order, and acknowledges each once it is stored. Returns how many messages were new.

        `is_backfilled` marks messages that come from the history. Events about the bot's memberships are acknowledged
        once the chat service has been asked. Until then, messages are received in a channel that it may have joined.
        Raises ShutdownRequested if the pack is to end before; then nothing was acknowledged.
        """
        expected = self._doubts.expected()
        batch = _Batch(await self._channels.joined(), expected)
        for incoming in events:
            await self._handle(incoming, batch, identity)
        entries = [replace(entry, is_backfilled=is_backfilled) for entry in batch.entries]
        new = sum(await self._outbox.append(entries)) if entries else 0
        for event in batch.handled:
            await event.acknowledge()
        return new

    async def _handle(self, incoming: IncomingEvent, batch: _Batch, identity: Identity) -> None:
        event = incoming.event
        if isinstance(event, OtherWorkspaceEvent):
            if not await self._is_known(event, batch):
                self._log_other_workspace(event)
                batch.handled.append(incoming)
                return
            event = event.event
        match event:
            case MembershipGained():
                self._doubts.on_gained(incoming, event)
                return
            case MembershipLost():
                self._doubts.on_lost(incoming, event)
                return
            case IncomingMessage():
                if self._is_relevant(event, batch, identity):
                    batch.entries.append(outbox_entry(event, incoming.received_at))
            case ChannelIdChanged():
                batch.joined = await self._change_id(event, batch.joined, incoming.received_at)
            case Connected():
                self._doubts.on_connected()
            case Disconnected() | AccessLost():
                pass
            case _:
                pass
        batch.handled.append(incoming)

    def _is_relevant(self, message: IncomingMessage, batch: _Batch, identity: Identity) -> bool:
        """Returns whether the workflow engine receives the message."""
        if message.is_from(identity) or (message.is_from_bot and not self._receives_bots):
            return False
        if message.is_direct or self._listen is Listen.MEMBER or message.channel_id in batch.joined:
            return True
        return message.channel_id in batch.expected or message.channel_id in self._doubts.expected()

    async def _change_id(self, change: ChannelIdChanged, joined: JoinedChannels, at: datetime) -> JoinedChannels:
        old_id, new_id = change.old_id, change.new_id
        unjoined = await self._channels.unjoined_memberships()
        if unjoined is not None and old_id in unjoined:
            await self._channels.set_unjoined_memberships(unjoined - {old_id} | {new_id})
        if old_id not in joined:
            return joined
        log.info("channel_id_changed", old=old_id, new=new_id)
        pending = [gap for gap in await self._gaps.pending() if gap.channel_id == old_id]
        await self._gaps.add([replace(gap, channel_id=new_id) for gap in pending])
        await self._channels.join(new_id, since=await self._channels.last_message_at(old_id) or at)
        await self._channels.leave(old_id)
        return joined.join(new_id).leave(old_id)

    async def _is_known(self, other: OtherWorkspaceEvent, batch: _Batch) -> bool:
        """Whether an event is about one of the pack's channels after all: it may be shared between workspaces."""
        match other.event:
            case ChannelIdChanged():
                channel_id = other.event.old_id
            case AccessLost():
                return False
            case _:
                channel_id = other.event.channel_id
        if channel_id in batch.joined or channel_id in self._doubts.expected():
            return True
        return channel_id in (await self._channels.unjoined_memberships() or ())

    def _log_other_workspace(self, other: OtherWorkspaceEvent) -> None:
        if other.team_id not in self._other_workspaces and len(self._other_workspaces) < _MAX_WORKSPACES:
            self._other_workspaces.add(other.team_id)
            log.warning("other_workspace_ignored", team=other.team_id)
