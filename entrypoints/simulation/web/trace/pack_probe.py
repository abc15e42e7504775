"""Looks on inside the pack, from around two of its ports: when it has a message, and when that is safe."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from application.ports.outbox import Outbox
from application.ports.receiver import IncomingEvent, Receiver
from application.ports.storage import Storage
from domain.messages import IncomingMessage
from domain.outbox import Claim, OutboxEntry


class ProbeEvent(StrEnum):
    """What can be seen inside the pack."""

    RECEIVED = "received"
    """It has read the message."""
    PERSISTED = "safe"
    """The message is in its outbox, and would survive what the storage survives."""
    DEAD_LETTERED = "set_aside"
    """It has given up bringing the message to the engine, and keeps it for people to decide."""


ProbeListener: TypeAlias = Callable[[ProbeEvent, IncomingMessage, str], None]
"""Told of each sight with the message, and of the reason why it was set aside. Must not wait."""


class WatchedReceiver:
    """A Receiver that tells what was received."""

    def __init__(self, receiver: Receiver, tell: ProbeListener) -> None:
        self._receiver = receiver
        self._tell = tell

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        """See the port."""
        async with self._receiver.events() as arrivals:
            yield self._watched(arrivals)

    async def _watched(self, arrivals: AsyncIterator[IncomingEvent]) -> AsyncIterator[IncomingEvent]:
        async for arrival in arrivals:
            if isinstance(arrival.event, IncomingMessage):
                self._tell(ProbeEvent.RECEIVED, arrival.event, "")
            yield arrival


class WatchedStorage:
    """A Storage that tells what became safe and what was set aside."""

    def __init__(self, storage: Storage, tell: ProbeListener) -> None:
        self.channels = storage.channels
        self.outbox: Outbox = WatchedOutbox(storage.outbox, tell)
        self.journal = storage.journal
        self.rate_limiter = storage.rate_limiter
        self._storage = storage

    def open(self) -> AbstractAsyncContextManager[None]:
        """See the port."""
        return self._storage.open()

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        """See the port."""
        await self._storage.heartbeat(now, lease_seconds)


class WatchedOutbox:
    """An Outbox that tells what became safe and what was set aside. See the port for each method."""

    def __init__(self, outbox: Outbox, tell: ProbeListener) -> None:
        self._outbox = outbox
        self._tell = tell
        # Handed through: nothing of these is told.
        self.claim = outbox.claim
        self.ack = outbox.ack
        self.release = outbox.release
        self.renew_lease = outbox.renew_lease
        self.next_due = outbox.next_due
        self.backlog = outbox.backlog
        self.entries = outbox.entries
        self.requeue = outbox.requeue
        self.discard = outbox.discard
        self.purge = outbox.purge

    async def append(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        """See the port."""
        are_new = await self._outbox.append(entries)
        for entry in entries:
            self._tell(ProbeEvent.PERSISTED, entry.said, "")
        return are_new

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        """See the port."""
        await self._outbox.dead_letter(claim, entry, reason)
        self._tell(ProbeEvent.DEAD_LETTERED, entry.said, reason)
