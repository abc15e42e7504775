"""Counters for operators of occurrences that no call of another port reveals."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from domain.outbox import EventKind


class Resolution(Enum):
    """How a doubt whether a request to the chat service took effect was resolved."""

    FOUND = "found"
    """It had taken effect."""
    NOT_FOUND = "not_found"
    """It had not, and was sent again."""
    REPEATED = "repeated"
    """It was sent again, which does no harm."""
    FAILED = "failed"
    """It could not be settled; the command failed."""
    RESENT = "resent"
    """It could not be settled; the request was sent again, perhaps for the second time."""


class Window(Enum):
    """A situation in which "exactly once" is impossible, as far as the pack notices it; docs/delivery.md has all."""

    UNSEEN_EVENT = "unseen_event"
    """An event was published again, since the engine's audit did not show it after an interruption."""
    LATE_INTERACTION = "late_interaction"
    """An interaction was stored too late to acknowledge it."""
    NO_MARK = "no_mark"
    """A request in doubt could not be looked for."""
    UNCONFIRMED_RESULT = "unconfirmed_result"
    """The engine refused an outcome again and again, and is assumed to have it."""
    FROZEN_BEFORE_POST = "frozen_before_post"
    """An action was executed by a process that had lost it to another one meanwhile."""


class Reconnection(Enum):
    """Why the receiver's connection had to be replaced."""

    REQUESTED = "requested"
    """The service announced its end."""
    ENDED = "ended"
    SILENT = "silent"
    MALFORMED = "malformed"
    """The service broke the protocol."""
    REFUSED = "refused"
    """The service refuses connections for a while."""


class Failure(Enum):
    """A call that failed, and is repeated."""

    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class ArrivalIgnored:
    """An event arrived that the workflow engine does not get: of a channel that is not joined, for example."""

    kind: EventKind


@dataclass(frozen=True, slots=True)
class ArrivalDropped:
    """An event arrived that could not be stored in time, and is lost."""

    kind: EventKind


Occurrence: TypeAlias = Resolution | Window | Reconnection | Failure | ArrivalIgnored | ArrivalDropped
"""One of a limited number of things to count."""


class Telemetry(Protocol):
    """Counts occurrences."""

    def note(self, occurrence: Occurrence) -> None:
        """Counts one more. Never raises, and never waits."""
