"""Everything that outlives the process: joined channels, gaps, outbox, journal, message keys and rate limits."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from application.ports.channels import Channels
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.replicas import Replicas


@dataclass(frozen=True, slots=True)
class StorageDescription:
    """What a storage says about itself, for operators."""

    location: str
    """Where the data is, without secrets."""
    is_durable: bool
    """Whether acknowledged writes survive the end of the process."""
    is_shared: bool
    """Whether several processes may run a pack on it at the same time."""


class Topic(Enum):
    """What processes on one storage may wait for."""

    OUTBOX = "outbox"
    """Entries to deliver."""
    JOURNAL = "journal"
    """Actions that no process owns."""
    LANES = "lanes"
    """The turn of an action: a lease was released, or an action got its outcome."""


class Storage(Protocol):
    """A storage, opened once by `open`; its parts can be used only while it is open.

    Every method of its parts returns only when its effect would survive the process being killed (for a durable
    storage: the machine losing power). Every method can raise StorageUnavailable, and then has had no effect.
    Cancelling a method leaves unknown whether it took effect. A storage uses its own clock. What one process has
    claimed no other process gets until the lease expires; from then on, the first process gets LeaseLost, and stops.
    """

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def open(self) -> AbstractAsyncContextManager[None]:
        """Opens the storage, and creates what is missing. Claims of processes that can't be alive count as expired.

        Raises StorageUnusable if it is in use elsewhere or unsafe to use; StorageUnavailable. Leaving the context
        finishes the requests in progress and closes the storage.
        """

    async def heartbeat(self, lease_seconds: float) -> None:
        """Extends this process's ownership to `lease_seconds` from now, and does the storage's housekeeping."""

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        """Calls `notify` when there may be work of this kind: new entries of this process, or work that another one has
        left.

        For new entries it may come a little before they are stored, provided that a claim made from then on gets them.
        From another process it is a hint that may come late, repeatedly or never: callers also look from time to time.
        """

    def describe(self) -> StorageDescription:
        """Returns what kind of storage this is. It need not be open."""
