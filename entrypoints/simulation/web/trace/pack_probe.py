"""Probes around two ports of the pack: they report which messages it receives, stores and dead-letters."""

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
    """What happened to a message in the pack."""

    RECEIVED = "received"
    """The pack has read the message."""
    PERSISTED = "safe"
    """The message is in the outbox, as durable as the storage makes it."""
    DEAD_LETTERED = "set_aside"
    """The pack has stopped delivering the message, and keeps it for an operator."""


ProbeListener: TypeAlias = Callable[[ProbeEvent, IncomingMessage, str], None]
"""Called with each event, the message and, for a dead letter, the reason. Must not block."""


class WatchedReceiver:
    """A Receiver that reports received messages."""

    def __init__(self, receiver: Receiver, report: ProbeListener) -> None:
        self._receiver = receiver
        self._report = report

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        """See the port."""
        async with self._receiver.events() as arrivals:
            yield self._watched(arrivals)

    async def _watched(self, arrivals: AsyncIterator[IncomingEvent]) -> AsyncIterator[IncomingEvent]:
        async for arrival in arrivals:
            if isinstance(arrival.event, IncomingMessage):
                self._report(ProbeEvent.RECEIVED, arrival.event, "")
            yield arrival


class WatchedStorage:
    """A Storage that reports stored and dead-lettered messages."""

    def __init__(self, storage: Storage, report: ProbeListener) -> None:
        self.channels = storage.channels
        self.outbox: Outbox = WatchedOutbox(storage.outbox, report)
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
    """An Outbox that reports stored and dead-lettered messages. See the port for each method."""

    def __init__(self, outbox: Outbox, report: ProbeListener) -> None:
        self._outbox = outbox
        self._report = report
        # These methods report nothing.
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
            self._report(ProbeEvent.PERSISTED, entry.said, "")
        return are_new

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        """See the port."""
        await self._outbox.dead_letter(claim, entry, reason)
        self._report(ProbeEvent.DEAD_LETTERED, entry.said, reason)
