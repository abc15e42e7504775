"""Channels in which the bot's membership is in doubt: reported by whoever notices, settled by MembershipSync.

Events about memberships arrive late, repeatedly, or not at all. Only the chat service knows how things stand now.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from application.ports.receiver import IncomingEvent, MembershipGained, MembershipLost, acknowledge_nothing
from domain.channels import ChannelId


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to ask whether the bot is a member of a channel."""

    is_member: bool | None = None
    """The answer of an event or a list of the chat service; None if the doubt has another reason."""
    since: datetime | None = None
    """The beginning of a membership; None if only the present is known."""
    is_listed: bool = False
    """Whether the reason is a list of the bot's channels, and not an event."""
    is_heard: bool = False
    """Whether the reason is an event of the channel, which only members receive; its delivery waits for the
    settlement."""
    acknowledge: Callable[[], Awaitable[None]] = acknowledge_nothing
    """To be called once the doubt is settled."""

    @property
    def presumed(self) -> bool | None:
        """Whether the bot counts as a member if the service refuses to tell; None: as before (lists omit channels)."""
        return None if self.is_listed and not self.is_member else self.is_member


class MembershipDoubts:
    """The open doubts, shared by those who report them and MembershipSync, which settles them."""

    def __init__(self) -> None:
        self._doubts: dict[ChannelId, tuple[Doubt, ...]] = {}
        self.added = asyncio.Event()
        """Set with each new doubt; MembershipSync clears it."""
        self.reconciliation_requested = asyncio.Event()
        self.settled = asyncio.Event()
        """Set while there is no doubt."""
        self.settled.set()

    def on_gained(self, incoming: IncomingEvent, gained: MembershipGained) -> None:
        """An event says that the bot became a member. It is acknowledged once that is settled."""
        since = gained.happened_at or incoming.received_at
        self._add(gained.channel_id, Doubt(is_member=True, since=since, acknowledge=incoming.acknowledge))

    def on_lost(self, incoming: IncomingEvent, lost: MembershipLost) -> None:
        """An event says that the bot is no longer a member. It is acknowledged once that is settled."""
        self._add(lost.channel_id, Doubt(is_member=False, acknowledge=incoming.acknowledge))

    def on_heard(self, incoming: IncomingEvent, channel_id: ChannelId, deliver: Callable[[], Awaitable[None]]) -> None:
        """An event arrived from a channel that the bot is not known to be in: another replica may know more.

        `deliver` is called once that is settled, in the order of the calls.
        """
        self._add(channel_id, Doubt(is_member=True, since=incoming.received_at, is_heard=True, acknowledge=deliver))

    def on_connected(self) -> None:
        """Events may have been missed: all memberships have to be compared."""
        self.reconciliation_requested.set()

    def on_listed(self, channel_id: ChannelId, *, is_member: bool) -> None:
        """A list of the bot's channels differs from what the pack knows."""
        self._add_once(channel_id, Doubt(is_member=is_member, is_listed=True))

    def recheck(self, channel_id: ChannelId) -> None:
        """The channel could not be used, or the pack left it."""
        self._add_once(channel_id, Doubt())

    def expected(self) -> frozenset[ChannelId]:
        """Returns the channels of which the bot is a member if a doubted event is right: their messages count."""
        return frozenset(
            channel_id
            for channel_id, doubts in self._doubts.items()
            if any(doubt.is_member and not doubt.is_heard for doubt in doubts)
        )

    def missing(self) -> frozenset[ChannelId]:
        """Returns the channels that the list of the bot's channels lacks."""
        return frozenset(
            channel_id
            for channel_id, doubts in self._doubts.items()
            if any(doubt.is_listed and not doubt.is_member for doubt in doubts)
        )

    def channels(self) -> frozenset[ChannelId]:
        """Returns the channels in doubt."""
        return frozenset(self._doubts)

    def of(self, channel_id: ChannelId) -> tuple[Doubt, ...]:
        """Returns the doubts about one channel, oldest first."""
        return self._doubts.get(channel_id, ())

    def settle(self, channel_id: ChannelId, doubts: tuple[Doubt, ...]) -> None:
        """Removes these doubts; later ones about the channel stay."""
        left = tuple(doubt for doubt in self.of(channel_id) if not any(doubt is known for known in doubts))
        if left:
            self._doubts[channel_id] = left
        else:
            self._doubts.pop(channel_id, None)
        if not self._doubts:
            self.settled.set()

    def _add_once(self, channel_id: ChannelId, doubt: Doubt) -> None:
        if doubt not in self.of(channel_id):
            self._add(channel_id, doubt)

    def _add(self, channel_id: ChannelId, doubt: Doubt) -> None:
        self._doubts[channel_id] = (*self.of(channel_id), doubt)
        self.settled.clear()
        self.added.set()
