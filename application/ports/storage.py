"""What must outlive the process: joined channels, what waits for the workflow engine, actions in hand, paces.

Every method returns only when its effect would survive the process being killed (for a durable storage: the machine
losing power). Every method can raise StorageUnavailable, and then had no effect. Cancelling a method leaves unknown
whether it took effect. Several processes may share a storage where the adapter's URL allows it; what one of them has
claimed no other one gets, until the claim's lease runs out.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from domain.channels import ChannelId, JoinedChannels
from domain.commands import Action, ActionId
from domain.events import Outcome
from domain.messages import Receipt, Said


class Channels(Protocol):
    """The channels that the pack listens to."""

    async def joined(self) -> JoinedChannels:
        """The joined channels, in the order of joining."""

    async def join(self, channel_id: ChannelId, at: datetime) -> None:
        """Listen to this channel from `at` on. No effect when it is joined already."""

    async def leave(self, channel_id: ChannelId) -> None:
        """Stop listening to this channel. No effect when it is not joined."""

    async def bystanders(self) -> frozenset[ChannelId] | None:
        """Channels of which the bot was a member without having joined them, when last noted. None: never noted."""

    async def note_bystanders(self, channel_ids: frozenset[ChannelId]) -> None:
        """Replace what `bystanders` returns."""

    async def heard_until(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        """The later of: when the channel was joined, and `overlap` before the timestamp of the last message from it
        that the outbox took. None when neither is known.
        """

    async def heard_since(self, moment: datetime) -> frozenset[ChannelId]:
        """The channels, joined or not, from which the outbox took a message with a timestamp of `moment` or later."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message on its way to the workflow engine."""

    said: Said
    received_at: datetime
    """When the pack got it: UTC, whole milliseconds."""
    refusals: int = 0
    """How often the engine refused it so far."""
    first_refused_at: datetime | None = None
    set_aside_because: str = ""
    """Empty while it waits."""

    @property
    def key(self) -> str:
        """By which it is recognised and addressed."""
        return self.said.key


@dataclass(frozen=True, slots=True)
class Claim:
    """The first waiting entries of one channel, in order, for one holder until the lease runs out."""

    channel_id: ChannelId
    entries: tuple[OutboxEntry, ...]
    was_interrupted: bool = False
    """An earlier claim on this channel was never given back: its holder may have delivered the first entry without
    having said so."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits."""

    waiting: int = 0
    set_aside: int = 0
    oldest_at: datetime | None = None
    """`received_at` (outbox) or `taken_at` (journal) of the oldest one waiting."""


class Outbox(Protocol):
    """What was heard and has not reached the workflow engine yet. First in, first out, for each channel."""

    async def append(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        """Keep these, in this order; for each: True when it is new, False when its key is recognised.

        A key is recognised while its entry waits or is set aside, and after it is done until `forget`. The same key
        twice in one call is new once. All of them or none become durable.
        """

    async def claim(self, channels: int, entries: int, now: datetime, lease_seconds: float) -> list[Claim]:
        """At most `entries` entries of each of at most `channels` channels that no one else has claimed and that are
        not to wait (`give_back`) at `now`; those first whose first entry has waited longest.
        """

    async def done(self, claim: Claim, entry: OutboxEntry) -> None:
        """The workflow engine has this entry of the claim; its key stays recognised."""

    async def set_aside(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        """Keep this entry of the claim, but out of the way of the others, until somebody decides (`revive`,
        `discard`).
        """

    async def give_back(
        self, claim: Claim, *, not_before: datetime | None = None, refused_at: datetime | None = None
    ) -> None:
        """End the claim; its entries that are not done wait again, none before `not_before`. With `refused_at` the
        first of them counts one refusal more.
        """

    async def extend(self, claim: Claim, now: datetime, lease_seconds: float) -> None:
        """Move the end of the claim's lease to `lease_seconds` after `now`."""

    async def next_due(self) -> datetime | None:
        """The earliest moment at which a channel that waits by `give_back` may be claimed; None when none waits."""

    async def depth(self) -> Depth:
        """How much waits and is set aside. Cheap, whatever the depth."""

    def entries(self, *, set_aside: bool = False) -> AsyncIterator[OutboxEntry]:
        """Those waiting, or those set aside, oldest first, a page at a time."""

    async def revive(self, key: str) -> bool:
        """Let an entry that was set aside wait again, behind its channel's others. False when there is none."""

    async def discard(self, key: str) -> bool:
        """Drop an entry that waits unclaimed or was set aside; its key stays recognised. False when there is none."""

    async def forget(self, before: datetime) -> int:
        """Stop recognising the keys of entries that were appended before and are done; how many they were."""


class ActionState(Enum):
    """How far an action has come."""

    TAKEN = "taken"
    """On disk; nothing has been tried."""
    EXECUTING = "executing"
    """A step has begun."""
    CONCLUDED = "concluded"
    """The outcome is known and not answered yet."""
    FINISHED = "finished"
    """The workflow engine has the answer."""
    SET_ASIDE = "set aside"
    """The answer could not be brought to the engine; kept until somebody decides."""


@dataclass(frozen=True, slots=True)
class Step:
    """One post of an action."""

    begun_at: datetime | None = None
    """When its first request was about to go out; None: nothing went out."""
    receipt: Receipt | None = None
    error: str = ""
    """Why it failed for good; empty unless it did."""

    @property
    def is_settled(self) -> bool:
        """Whether its end is known."""
        return self.receipt is not None or bool(self.error)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An action in hand, and what was done for it."""

    action: Action
    taken_at: datetime
    state: ActionState = ActionState.TAKEN
    steps: Mapping[ChannelId, Step] = field(default_factory=dict)
    """By channel, in the order of `plan`."""
    outcome: Outcome | None = None
    concluded_at: datetime | None = None
    set_aside_because: str = ""


class Journal(Protocol):
    """The actions that this pack took: TAKEN -> EXECUTING -> CONCLUDED -> FINISHED or SET_ASIDE.

    A method that would go against the arrows raises ValueError and changes nothing.
    """

    async def begin_taking(self, at: datetime) -> datetime | None:
        """From now on this process asks the engine for actions. Returns since when earlier processes did that never
        ended their taking: they may have been given actions that the journal does not have. None: there are none.
        """

    async def end_taking(self) -> None:
        """No more actions are asked for by this process, and the journal has all that it was given."""

    async def take_in(self, action: Action, at: datetime) -> JournalEntry | None:
        """Keep an action just taken, in this process's hands. None when it is new; otherwise what is known of it.

        The same id with another command is another action: it takes the place of a finished one.
        """

    async def plan(self, action_id: ActionId, channel_ids: Sequence[ChannelId]) -> None:
        """Fix the channels that a broadcast goes to. -> EXECUTING."""

    async def begin(self, action_id: ActionId, channel_id: ChannelId, at: datetime) -> None:
        """The first request of a step is about to go out; later calls keep the first `at`. -> EXECUTING."""

    async def retract(self, action_id: ActionId, channel_id: ChannelId) -> None:
        """Of a step that began nothing took effect so far: it counts as not begun. ValueError when its end is known."""

    async def settle(self, action_id: ActionId, channel_id: ChannelId, step: Step) -> None:
        """Note how a step ended."""

    async def conclude(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """The outcome is known. -> CONCLUDED. From TAKEN too: not every action has steps."""

    async def finish(self, action_id: ActionId) -> None:
        """The engine has the answer. -> FINISHED, out of this process's hands; the id stays known until `forget`."""

    async def set_aside(self, action_id: ActionId, reason: str) -> None:
        """The answer can't be brought to the engine. CONCLUDED -> SET_ASIDE."""

    async def adopt(self, limit: int) -> list[JournalEntry]:
        """Actions not finished and in nobody's hands any more, oldest first; they are in this process's hands now."""

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        """What is known of an action, in any state; None when nothing is."""

    async def depth(self) -> Depth:
        """How many are not finished, and how many set aside. Cheap, whatever the depth."""

    def entries(self, *, set_aside: bool = False) -> AsyncIterator[JournalEntry]:
        """Those in hand, or those set aside, oldest first, a page at a time."""

    async def revive(self, action_id: ActionId) -> bool:
        """SET_ASIDE -> CONCLUDED, in nobody's hands. False when there is none."""

    async def discard(self, action_id: ActionId) -> bool:
        """Drop an action that is in no process's hands or was set aside; its id stays known. False when none."""

    async def forget(self, before: datetime) -> int:
        """Drop what is known of actions finished and taken before; how many they were."""


class Paces(Protocol):
    """How fast posts may go into each channel. Exact while the process lives; a crash may forget the last moments."""

    async def reserve(self, channel_id: ChannelId, now: datetime, per_second: float, burst: int) -> float:
        """Take the next free place for one post; the seconds until it comes (0: at once).

        `burst` posts may run ahead of the pace of `per_second`.
        """

    async def hold(self, channel_id: ChannelId, until: datetime) -> None:
        """Give out no place in this channel before that time."""

    async def held_until(self, now: datetime) -> Mapping[ChannelId, datetime]:
        """The channels that are held at `now`, and until when."""


class Storage(Protocol):
    """All that must outlive the process. Opened by `open`, once; its parts are usable only inside."""

    channels: Channels
    outbox: Outbox
    journal: Journal
    paces: Paces

    def open(self) -> AbstractAsyncContextManager[None]:
        """Open the storage, creating what is missing; claims of an earlier process that can't be alive are ended (and
        known as interrupted). StorageRefused when it is in use elsewhere or unsafe to use; StorageUnavailable.

        Leaving finishes the requests in hand and closes.
        """

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        """Keep what this process has in hand for `lease_seconds` after `now`; a process that stays silent longer
        loses it to others. No effect where only one process can use the storage.
        """
