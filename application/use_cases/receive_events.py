"""Stores the events to be delivered to flows, and follows the bot's memberships."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import structlog

from application.policies import Listen
from application.ports.chat import Chat
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    Connected,
    Disconnected,
    IncomingEvent,
    MembershipGained,
    MembershipLost,
)
from application.ports.storage import Storage
from application.ports.telemetry import ArrivalIgnored, Telemetry
from application.services.membership_doubts import MembershipDoubts
from application.services.replica_group import ReplicaGroup
from application.services.work_log import WorkLog
from application.services.workspace_filter import WorkspaceFilter
from domain.channels import NO_CHANNEL, ChannelId, JoinedChannels
from domain.interactions import MessageChange, Reaction
from domain.messages import IncomingMessage
from domain.outbox import InboundEvent, OutboxEntry, event_kind, outbox_entry
from domain.users import Identity

log = structlog.get_logger()


@dataclass(slots=True)
class _Batch:
    """Events that are handled together."""

    joined: JoinedChannels
    expected: frozenset[ChannelId]
    """The expected channels, read before `joined`."""
    may_hold: bool
    """Whether an event of an unknown channel may wait until the other replicas' knowledge has been read."""
    entries: list[OutboxEntry] = field(default_factory=list)
    only_if_joined: set[ChannelId] = field(default_factory=set)
    """The channels that are heard for no other reason."""
    handled: list[IncomingEvent] = field(default_factory=list)
    """The events to acknowledge once the entries are stored."""


class ReceiveEvents:
    """Handles everything that the chat service sends of its own accord. ReceiveInteraction also keeps a deadline."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        doubts: MembershipDoubts,
        workspaces: WorkspaceFilter,
        replicas: ReplicaGroup,
        work_log: WorkLog,
        telemetry: Telemetry,
        listen: Listen,
        *,
        receives_bots: bool,
        receives_edits: bool,
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._outbox = storage.outbox
        self._gaps = storage.gaps
        self._doubts = doubts
        self._workspaces = workspaces
        self._replicas = replicas
        self._work_log = work_log
        self._telemetry = telemetry
        self._listen = listen
        self._receives_bots = receives_bots
        self._receives_edits = receives_edits
        self._held: Counter[ChannelId] = Counter()
        """How many events of a channel wait until it is known whether it is joined."""

    async def receive(self, events: Sequence[IncomingEvent], identity: Identity, *, is_backfilled: bool = False) -> int:
        """Handles the events in order, and acknowledges each once it is stored. Returns how many events were new.

        `is_backfilled` marks messages that come from the history. Events about the bot's memberships are acknowledged
        once the chat service has been asked. Until then, messages are received in a channel that it may have joined.
        Raises ShutdownRequested if the pack is to end before; then nothing was acknowledged.
        """
        return await self._receive(events, identity, is_backfilled=is_backfilled, may_hold=not is_backfilled)

    async def _receive(
        self, events: Sequence[IncomingEvent], identity: Identity, *, is_backfilled: bool, may_hold: bool
    ) -> int:
        expected = self._doubts.expected()
        batch = _Batch(await self._channels.joined(), expected, may_hold)
        for incoming in events:
            await self._handle(incoming, batch, identity)
        entries = [replace(entry, is_backfilled=is_backfilled) for entry in batch.entries]
        new = sum(await self._outbox.append(entries, only_if_joined=batch.only_if_joined)) if entries else 0
        self._work_log.on_heard(new)
        for event in batch.handled:
            await event.acknowledge()
        return new

    async def _handle(self, incoming: IncomingEvent, batch: _Batch, identity: Identity) -> None:
        event = await self._workspaces.own(incoming.event)
        match event:
            case MembershipGained():
                self._doubts.on_gained(incoming, event)
                return
            case MembershipLost():
                self._doubts.on_lost(incoming, event)
                return
            case ChannelIdChanged():
                batch.joined = await self._change_id(event, batch.joined, incoming.received_at)
            case Connected():
                self._doubts.on_connected()
            case Disconnected() | AccessLost() | None:
                pass
            case _:
                if await self._is_to_be_held(event, batch, identity):
                    self._hold(incoming, event.channel_id, identity)
                    return
                if await self._is_relevant(event, batch, identity):
                    batch.entries.append(outbox_entry(event, incoming.received_at))
                else:
                    self._telemetry.note(ArrivalIgnored(event_kind(event)))
        batch.handled.append(incoming)

    async def _is_relevant(self, event: InboundEvent, batch: _Batch, identity: Identity) -> bool:
        """Returns whether the workflow engine receives the event."""
        if not isinstance(event, IncomingMessage | MessageChange | Reaction):
            return True
        return self._is_wanted(event, identity) and await self._is_heard(event, batch)

    def _is_wanted(self, event: IncomingMessage | MessageChange | Reaction, identity: Identity) -> bool:
        """Whether it is received, whatever its channel: it is not the pack's own, and not certainly a bot's."""
        if isinstance(event, Reaction):
            return not identity.matches(event.user_id)
        if isinstance(event, MessageChange) and not self._receives_edits:
            return False
        is_from_bot = event.is_from_bot and not self._receives_bots
        return not (is_from_bot or identity.matches(event.user_id, event.bot_id))

    async def _is_heard(self, event: IncomingMessage | MessageChange | Reaction, batch: _Batch) -> bool:
        """Whether the pack listens to the channel. A reaction to a file, which has none, is heard."""
        channel_id = event.channel_id
        if self._is_heard_anyway(channel_id, batch):
            return True
        if channel_id in batch.joined:
            batch.only_if_joined.add(channel_id)
            return True
        if isinstance(event, IncomingMessage):
            return event.is_direct
        return await self._is_group_conversation(channel_id)

    def _is_heard_anyway(self, channel_id: ChannelId, batch: _Batch) -> bool:
        """Whether the channel need not be joined to be heard."""
        return (
            channel_id == NO_CHANNEL
            or self._listen is Listen.MEMBER
            or self._chat.is_direct(channel_id)
            or channel_id in batch.expected
            or channel_id in self._doubts.expected()
        )

    async def _is_to_be_held(self, event: InboundEvent, batch: _Batch, identity: Identity) -> bool:
        """Whether another replica may just be learning that the bot was invited to the channel."""
        if self._replicas.is_alone or not batch.may_hold:
            return False
        if not isinstance(event, IncomingMessage | MessageChange | Reaction) or not self._is_wanted(event, identity):
            return False
        if self._held[event.channel_id]:
            return True
        if await self._is_heard(event, batch):
            return False
        unjoined = await self._channels.unjoined_memberships()
        return unjoined is not None and event.channel_id not in unjoined

    def _hold(self, incoming: IncomingEvent, channel_id: ChannelId, identity: Identity) -> None:
        self._held[channel_id] += 1
        self._doubts.on_heard(incoming, channel_id, partial(self._receive_held, incoming, channel_id, identity))

    async def _receive_held(self, incoming: IncomingEvent, channel_id: ChannelId, identity: Identity) -> None:
        try:
            await self._receive([incoming], identity, is_backfilled=False, may_hold=False)
        finally:
            self._held[channel_id] -= 1
            self._held += Counter()  # forgets those at zero

    async def _is_group_conversation(self, channel_id: ChannelId) -> bool:
        """Whether its messages are received although it was never joined; other events don't say that it is direct."""
        is_known = await self._channels.last_message_at(channel_id) is not None
        return is_known and not await self._channels.was_joined(channel_id)

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
