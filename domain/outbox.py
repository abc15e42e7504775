"""Events on their way to the workflow engine."""

from dataclasses import dataclass
from datetime import datetime

from domain.channels import ChannelId
from domain.messages import IncomingMessage


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message on its way to the workflow engine."""

    said: IncomingMessage
    received_at: datetime
    """When the pack got it: UTC, whole milliseconds."""
    rejections: int = 0
    """How often the engine refused it so far."""
    first_rejected_at: datetime | None = None
    dead_letter_reason: str = ""
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
    previous_lease_expired: bool = False
    """An earlier claim on this channel was never given back: its holder may have delivered the first entry without
    having said so."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits."""

    waiting: int = 0
    dead_lettered: int = 0
    oldest_at: datetime | None = None
    """`received_at` (outbox) or `taken_at` (journal) of the oldest one waiting."""
