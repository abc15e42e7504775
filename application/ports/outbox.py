"""Events waiting for the workflow engine."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from domain.channels import ChannelId
from domain.outbox import Backlog, Claim, OutboxEntry


class Outbox(Protocol):
    """First in, first out within each lane. Part of a Storage, whose docstring applies."""

    async def append(
        self,
        entries: Sequence[OutboxEntry],
        *,
        within_seconds: float | None = None,
        only_if_joined: Collection[ChannelId] = (),
    ) -> list[bool]:
        """Stores the entries in this order, all or none. Returns for each whether it is new.

        Entries of the channels `only_if_joined` are left out unless the channel is joined at the moment of storing.

        A key is recognized while its entry waits or is dead-lettered, and from its acknowledgement until `purge`. Of
        the same key twice in one call, the first is new.

        With `within_seconds`, raises TooLate instead of StorageUnavailable, and has no effect, unless everything but
        the commit is done by then. A commit that ends later counts: the call returns when its outcome is known.
        """

    async def claim(
        self, lanes: int, entries: int, lease_seconds: float, *, held: Sequence[Claim] = (), min_priority: int = 0
    ) -> list[Claim]:
        """Claims at most `lanes` lanes that are neither claimed nor delayed, each with at most `entries` entries.

        Lanes of a priority below `min_priority` are left out. Those of higher priority come first, then those whose
        first entry has waited longest. Renews the leases of the `held` claims first, so that their lanes are not
        claimed a second time after an outage of the storage. A step of the time of day neither ends a lease nor
        prolongs a delay; a delay that the storage could not have been asked for (of more than two minutes) does not
        outlive the process.
        """

    async def ack(self, claim: Claim, entry: OutboxEntry, *, releases: bool = False) -> None:
        """Removes an entry that the workflow engine has accepted; its key stays recognized.

        With `releases`, also ends the claim if that has not happened yet. Raises LeaseLost, and changes nothing, if the
        lane has been claimed again since.
        """

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        """Removes an entry from its lane and keeps it until an operator decides (`requeue`, `discard`).

        Raises LeaseLost as `ack` does.
        """

    async def release(self, claim: Claim, *, retry_after_seconds: float = 0, rejected: bool = False) -> None:
        """Ends the claim; its remaining entries wait again, none before `retry_after_seconds`.

        With `rejected`, the first of them counts one more rejection. Raises LeaseLost if the claim was released before
        or its lease has expired.
        """

    async def renew_lease(self, claim: Claim, lease_seconds: float) -> None:
        """Extends the lease to `lease_seconds` from now. Raises LeaseLost as `release` does."""

    async def next_due_seconds(self) -> float | None:
        """Returns the seconds until the first delayed lane may be claimed; None if none is delayed."""

    async def backlog(self) -> Backlog:
        """Returns the number of waiting and dead-lettered entries, and the oldest. Cheap, whatever the number."""

    def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[OutboxEntry]:
        """Iterates over the waiting or the dead-lettered entries, a page at a time.

        In the order of appending or, if they were requeued, of requeueing.
        """

    async def requeue(self, key: str) -> bool:
        """Moves a dead-lettered entry to the end of its lane. Returns False if there is none."""

    async def discard(self, key: str) -> bool:
        """Drops a dead-lettered or an unclaimed entry; its key stays recognized. Returns False if there is none."""

    async def purge(self, older_than: timedelta) -> int:
        """Forgets the keys of entries that were acknowledged or discarded longer ago. Returns how many.

        Only time for which the storage was open counts, to within a minute for each process; setting the time of day
        changes nothing.
        """
