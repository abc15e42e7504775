"""Moving everything that a storage holds to another storage.

Records are plain values, so that what one program can't read survives the move. Events, commands, results and outcomes
are JSON texts. Times are in microseconds: those of the day since 1970, and `uptime`, the time for which packs have run
on the storage; ages, delays and leases are measured in it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from application.ports.storage import StorageDescription


@dataclass(frozen=True, slots=True)
class GeneralRecord:
    """What a storage holds once. The first record, since an uptime means nothing before."""

    uptime: int
    steady_at: int | None
    """The latest time at which posts waited for nothing but their rate."""
    polling_since: int | None
    """Since when a process polled for actions that did not say that it had recorded all of them."""
    unjoined_memberships: tuple[str, ...] | None
    connected_at: int | None = None
    """When a process last received events, by the chat service's clock; None if that is not known."""
    team_id: str = ""
    """The workspace and the bot whose storage it is; empty if that is not known."""
    bot_id: str = ""


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """A lane of the outbox. It goes before its entries."""

    name: str
    priority: int
    is_interrupted: bool
    """Whether its first entry may have been delivered already."""
    not_before: int | None
    """The uptime until which it is delayed."""
    heard_until: int | None
    """When its latest message was written."""
    uptime: int
    """The uptime of its latest new entry."""


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry of the outbox that waits or is dead-lettered. Entries come in their order."""

    key: str
    lane: str
    kind: str
    is_dead_lettered: bool
    received_at: int
    is_backfilled: bool
    event: str
    rejections: int
    first_rejected_at: int | None
    rejected_uptime: int | None
    """The uptime of the first rejection."""
    reason: str
    """Why it is dead-lettered."""
    uptime: int
    """When it began to wait."""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The key of an entry that was delivered or discarded. Keys come after all entries."""

    key: str
    uptime: int


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step of an action, in the order of the plan."""

    name: str
    begun_at: int | None
    result: str | None
    error: str


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """An action in any state, reported ones included. Those that are not reported come in their order."""

    id: str
    state: str
    """The value of an ActionState."""
    taken_at: int
    command: str
    outcome: str | None
    completed_at: int | None
    reason: str
    uptime: int
    """The uptime at which it was taken, requeued or reported."""
    steps: tuple[StepRecord, ...]
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class MessageKeyRecord:
    """A key of a flow, and its message."""

    channel_id: str
    key: str
    timestamp: str
    reserved_since: int | None
    uptime: int
    """The uptime of its latest use."""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel that the pack listens to, or did. Joined ones are in the order of joining."""

    channel_id: str
    since: int | None
    is_joined: bool


@dataclass(frozen=True, slots=True)
class GapRecord:
    """A period of the history that has not been read."""

    channel_id: str
    after: int
    until: int


@dataclass(frozen=True, slots=True)
class RateRecord:
    """The pace and the pause of a channel or a method, in microseconds from the moment of reading."""

    name: str
    used_for: int
    """The time until the last reserved slot ends."""
    paused_for: int


Record: TypeAlias = (
    GeneralRecord
    | LaneRecord
    | EntryRecord
    | KeyRecord
    | ActionRecord
    | MessageKeyRecord
    | ChannelRecord
    | GapRecord
    | RateRecord
)


@dataclass(frozen=True, slots=True)
class CopyMarks:
    """What a storage knows of copies from it and to it, each named by an id of its own."""

    outgoing: str = ""
    """The latest copy to another storage."""
    incoming: str = ""
    """The copy that filled this storage."""
    is_incomplete: bool = False
    """Whether the incoming copy has not ended: no pack may start here."""
    moved_to: str = ""
    """The target of the outgoing copy, once that is complete: no pack may start here any more."""


class Transfer(Protocol):
    """Reads and writes whole storages. Every method can raise StorageUnavailable, as those of a Storage."""

    async def marks(self) -> CopyMarks:
        """Returns what is known of copies."""

    async def set_marks(self, marks: CopyMarks) -> None:
        """Replaces what is known of copies."""

    async def counts(self) -> Mapping[str, int]:
        """Returns how many records there are, by a name for operators. All names are there, those without records too.

        Names: waiting messages, dead letters, recognised keys, actions, steps, message keys, channels, gaps.
        """

    def export(self) -> AsyncIterator[Sequence[Record]]:
        """Iterates over all records, some hundred at a time.

        The general one comes first; lanes come before their entries, and all entries before the recognised keys.
        """

    async def clear(self) -> None:
        """Deletes all records, but not the marks."""

    async def add(self, records: Sequence[Record]) -> None:
        """Stores records of an export, whose batches arrive in its order."""

    async def finish(self) -> None:
        """Completes what follows from the records, once all are there."""


@runtime_checkable
class TransferableStorage(Protocol):
    """A storage that can be copied."""

    transfer: Transfer

    def open_for_copy(self, *, creates: bool) -> AbstractAsyncContextManager[None]:
        """Opens the storage for this process alone, whatever its marks are, to use `transfer`.

        Creates what is missing if it `creates`. Raises StorageUnusable if there is nothing to open, or if the storage
        is in use, by whom; StorageUnavailable.
        """

    def describe(self) -> StorageDescription:
        """Returns what kind of storage this is."""
