"""Follows the bot's memberships, by asking the chat service wherever they are in doubt, and joins default channels."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from application.health import ChatHealth
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.incidents import retry_after_incidents
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.channel_locks import ChannelLocks
from application.services.membership_doubts import Doubt, MembershipDoubts
from application.use_cases.join_channel import JoinChannelHandler
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected, LeaseLost
from domain.events import JoinChannelFailed

log = structlog.get_logger()

_RECONCILE_INTERVAL_SECONDS = 600.0
"""The interval of comparisons, for events that the chat service gave up on without the pack noticing a gap."""
_DEFAULT_JOINS, _RECONCILIATION = ChannelId("work:default joins"), ChannelId("work:memberships")
"""The leases for work that one replica at a time does for all."""
_PATIENCE_SECONDS = 5.0
"""How long a channel missing from the list may stay in doubt before it counts as one that is not heard."""


class MembershipSync:
    """Brings the joined channels in line with the bot's memberships."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        doubts: MembershipDoubts,
        channel_locks: ChannelLocks,
        work_locks: ChannelLocks,
        join_channel: JoinChannelHandler,
        health: ChatHealth,
        shutdown: Shutdown,
        default_channels: Sequence[ChannelId],
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._doubts = doubts
        self._channel_locks = channel_locks
        self._work_locks = work_locks
        self._join_channel = join_channel
        self._health = health
        self._shutdown = shutdown
        self._default_channels = default_channels
        self._settling: set[ChannelId] = set()
        self._unheard: set[ChannelId] = set()
        """Joined channels that the chat service neither lists nor says anything about."""
        self.in_sync = asyncio.Event()
        """Set once the memberships at the start are settled."""

    async def run(self) -> None:
        """Settles doubts, and reconciles at the start, after each connection and periodically, until the pack ends."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reconcile_repeatedly(), name="reconcile memberships")
            try:
                while True:
                    self._doubts.added.clear()
                    for channel_id in sorted(self._doubts.channels() - self._settling):
                        self._settling.add(channel_id)
                        tasks.create_task(self._settle(channel_id), name=f"settle membership of {channel_id}")
                    await self._shutdown.wait(None, self._doubts.added)
            except ShutdownRequested:
                return

    async def reconcile(self) -> None:
        """Puts all channels in doubt in which the list of the bot's channels differs from what the pack knows.

        Waits for the chat service however long it takes, and for other replicas that do the same. What the service
        refuses to tell stays as it was.
        """
        async with self._work_locks.acquire(_RECONCILIATION):
            await self._compare()

    async def join_defaults(self) -> None:
        """Joins the default channels that are not joined yet. A refusal is logged, and ends nothing."""
        try:
            async with self._work_locks.acquire(_DEFAULT_JOINS):
                for channel_id in self._default_channels:
                    await self._join_default(channel_id)
        except ShutdownRequested:
            return

    async def _compare(self) -> None:
        try:
            members = await self._chat.memberships()
        except ChatError as error:
            log.warning("memberships_unknown", reason=str(error))
            return
        joined = frozenset((await self._channels.joined()).ids)
        unjoined = await self._channels.unjoined_memberships()
        gained = members - joined - unjoined if unjoined is not None else frozenset()
        for channel_id in sorted(joined - members):
            # The list may omit a channel that a single question would show.
            self._doubts.on_listed(channel_id, is_member=False)
        for channel_id in sorted(gained):
            self._doubts.on_listed(channel_id, is_member=True)
        self._unheard -= members
        remaining = members - joined - gained - frozenset(self._default_channels)
        if remaining != unjoined:
            await self._channels.set_unjoined_memberships(remaining)

    async def _join_default(self, channel_id: ChannelId) -> None:
        while channel_id not in await self._channels.joined():
            try:
                outcome = await self._join_channel.join(channel_id)
            except LeaseLost as lost:
                log.warning("lease_lost", channel=channel_id, reason=str(lost))
                continue
            if isinstance(outcome, JoinChannelFailed):
                log.error("default_channel_not_joined", channel=channel_id, reason=outcome.error)
            else:
                log.info("default_channel_joined", channel=channel_id)
            return

    async def _reconcile_repeatedly(self) -> None:
        requested = self._doubts.reconciliation_requested
        try:
            while True:
                await retry_after_incidents(self.reconcile, self._shutdown, loop="reconcile memberships")
                await self._shutdown.wait(_PATIENCE_SECONDS, self._doubts.settled)
                self._report_unheard(self._doubts.missing())
                self.in_sync.set()
                await self._shutdown.wait(_RECONCILE_INTERVAL_SECONDS, requested)
                requested.clear()
        except ShutdownRequested:
            return

    async def _settle(self, channel_id: ChannelId) -> None:
        try:
            await retry_after_incidents(
                partial(self._ask_until_settled, channel_id), self._shutdown, loop="settle memberships"
            )
        except ShutdownRequested:
            return  # unacknowledged events arrive again, and the next start reconciles
        finally:
            self._settling.discard(channel_id)
            if self._doubts.of(channel_id):  # which came after the last look, while the lock was released
                self._doubts.added.set()

    async def _ask_until_settled(self, channel_id: ChannelId) -> None:
        async with self._channel_locks.acquire(channel_id):
            while doubts := self._doubts.of(channel_id):
                await self._settle_once(channel_id, doubts)

    async def _settle_once(self, channel_id: ChannelId, doubts: tuple[Doubt, ...]) -> None:
        is_joined = channel_id in await self._channels.joined()
        is_known = is_joined or channel_id in (await self._channels.unjoined_memberships() or ())
        is_gained = any(doubt.is_member for doubt in doubts)
        if is_gained != is_joined or (is_known and not all(doubt.is_member for doubt in doubts)):
            is_member = await self._ask(channel_id, doubts)
            if self._doubts.of(channel_id) != doubts:
                return  # something happened meanwhile, maybe after the answer
            if is_member:
                await self._on_member(channel_id, doubts, is_joined=is_joined)
            elif is_member is False:
                await self._on_no_member(channel_id, doubts, is_joined=is_joined)
        if channel_id not in await self._channels.joined():
            self._unheard.discard(channel_id)
        self._report_unheard()
        self._doubts.settle(channel_id, doubts)
        for doubt in doubts:
            await doubt.acknowledge()

    async def _ask(self, channel_id: ChannelId, doubts: tuple[Doubt, ...]) -> bool | None:
        """Returns whether the bot is a member; if the chat service refuses to tell, what the latest event said."""
        try:
            is_member = await self._chat.is_member(channel_id)
        except ChatRejected as rejection:
            presumed = next((doubt.presumed for doubt in reversed(doubts) if doubt.presumed is not None), None)
            log.warning("membership_unknown", channel=channel_id, presumed=presumed, reason=str(rejection))
            if presumed is None:
                self._unheard.add(channel_id)
            return presumed
        self._unheard.discard(channel_id)
        return is_member

    async def _on_member(self, channel_id: ChannelId, doubts: tuple[Doubt, ...], *, is_joined: bool) -> None:
        gains = [doubt for doubt in doubts if doubt.is_member]
        if is_joined or not gains:
            if any(doubt.is_member is False and not doubt.is_listed for doubt in doubts):
                log.info("old_removal_ignored", channel=channel_id)
            return
        if gains[-1].is_listed:
            log.info("channel_joined_while_away", channel=channel_id)
        else:
            log.info("channel_joined", channel=channel_id)
        await self._channels.join(channel_id, since=gains[-1].since or self._chat.now())

    async def _on_no_member(self, channel_id: ChannelId, doubts: tuple[Doubt, ...], *, is_joined: bool) -> None:
        await self._remove_unjoined_membership(channel_id)
        if not is_joined:
            if any(doubt.is_member for doubt in doubts):
                log.info("old_invitation_ignored", channel=channel_id)
            return
        if doubts[-1].is_listed:
            log.info("channel_left_while_away", channel=channel_id)
        else:
            log.info("channel_left", channel=channel_id)
        await self._channels.leave(channel_id)

    async def _remove_unjoined_membership(self, channel_id: ChannelId) -> None:
        """Makes sure that a new invitation is noticed, even while the pack is not running."""
        unjoined = await self._channels.unjoined_memberships()
        if unjoined is not None and channel_id in unjoined:
            await self._channels.set_unjoined_memberships(unjoined - {channel_id})

    def _report_unheard(self, missing: frozenset[ChannelId] = frozenset()) -> None:
        if new := missing - self._unheard:
            log.warning("channels_not_heard", channels=sorted(new))
            self._unheard |= new
        self._health.on_unheard_channels(len(self._unheard))
