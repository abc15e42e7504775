"""Events waiting to be delivered to the workflow engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType, TypeAlias

from domain.interactions import (
    Activity,
    BlockAction,
    MessageChange,
    OtherEvent,
    Reaction,
    Shortcut,
    SlashCommand,
    ViewEvent,
)
from domain.messages import IncomingMessage

Lane = NewType("Lane", str)
"""A queue within the outbox or the journal: entries of one lane are processed in order, one at a time."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to work on a lane for a limited time."""

    lane: Lane
    token: int
    """Fencing token: grows with every lease of the lane, so that a storage can reject the writes of a stale holder."""


InboundEvent: TypeAlias = IncomingMessage | Activity
"""Any event from the chat service that the outbox holds."""


class EventKind(Enum):
    """What happened in the chat service. The values are stored."""

    MESSAGE = "message"
    REACTION = "reaction"
    BLOCK_ACTION = "block action"
    SLASH_COMMAND = "slash command"
    SHORTCUT = "shortcut"
    VIEW = "view"
    CHANGE = "change"
    OTHER = "other"

    @property
    def is_interaction(self) -> bool:
        """Whether it is addressed to the app: a person waits for the answer, and the service never repeats it."""
        return self in (EventKind.BLOCK_ACTION, EventKind.SLASH_COMMAND, EventKind.SHORTCUT, EventKind.VIEW)


EVENT_TYPES: Mapping[EventKind, type[InboundEvent]] = {
    EventKind.MESSAGE: IncomingMessage,
    EventKind.REACTION: Reaction,
    EventKind.BLOCK_ACTION: BlockAction,
    EventKind.SLASH_COMMAND: SlashCommand,
    EventKind.SHORTCUT: Shortcut,
    EventKind.VIEW: ViewEvent,
    EventKind.CHANGE: MessageChange,
    EventKind.OTHER: OtherEvent,
}
_KINDS = {event_type: kind for kind, event_type in EVENT_TYPES.items()}


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One event waiting for the workflow engine."""

    key: str
    """Idempotency key: the same event received again has the same key. Operators address entries by it."""
    lane: Lane
    kind: EventKind
    priority: int
    """Lanes with higher priority are claimed first; 0 for messages."""
    event: InboundEvent
    received_at: datetime
    """When the pack received the event: UTC, whole milliseconds."""
    is_backfilled: bool = False
    """Whether the message comes from the history; live messages take precedence where capacity is limited."""
    rejections: int = 0
    """How often the engine has rejected the event so far."""
    first_rejected_at: datetime | None = None
    dead_letter_reason: str = ""
    """Empty while the entry waits."""
    trace_parent: str | None = None
    """The trace context, as a W3C `traceparent`; None if the event is not traced."""

    @property
    def is_urgent(self) -> bool:
        """Whether it is delivered before everything else."""
        return self.priority > 0


def event_kind(event: InboundEvent) -> EventKind:
    """Returns what kind of event this is."""
    return _KINDS[type(event)]


def outbox_entry(event: InboundEvent, received_at: datetime) -> OutboxEntry:
    """Returns the entry for an event.

    The events of one channel share a lane. Interactions wait only behind those of the same user, and are delivered
    before everything else.
    """
    kind = event_kind(event)
    return OutboxEntry(event.key, _lane(event, kind), kind, 1 if kind.is_interaction else 0, event, received_at)


def _lane(event: InboundEvent, kind: EventKind) -> Lane:
    if kind.is_interaction:
        return Lane(f"user:{event.user_id}")
    return Lane(event.channel_id or f"event:{kind.value}")


@dataclass(frozen=True, slots=True)
class Claim:
    """The first waiting entries of a lane, in order, held until the lease expires."""

    lease: Lease
    entries: tuple[OutboxEntry, ...]
    previous_lease_expired: bool = False
    """An earlier holder never released the lane: it may have delivered the first entry without acknowledging it."""
    rejected_seconds: float = 0.0
    """How long the first entry had been rejected when it was claimed; time for which no pack ran does not count."""

    @property
    def lane(self) -> Lane:
        """The lane that the claim holds."""
        return self.lease.lane

    @property
    def is_urgent(self) -> bool:
        """Whether its entries are delivered before everything else."""
        return self.entries[0].is_urgent


@dataclass(frozen=True, slots=True)
class Backlog:
    """Number and age of the waiting entries."""

    waiting: int = 0
    dead_lettered: int = 0
    oldest_at: datetime | None = None
    """`received_at` (outbox) or `taken_at` (journal) of the entry that has waited longest."""
    oldest_waited_seconds: float = 0.0
    """How long it has waited; time for which no pack ran does not count."""
