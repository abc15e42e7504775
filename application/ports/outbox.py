"""Events waiting for the workflow engine."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from domain.outbox import Backlog, Claim, OutboxEntry


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

    async def ack(self, claim: Claim, entry: OutboxEntry) -> None:
        """The workflow engine has this entry of the claim; its key stays recognised."""

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        """Keep this entry of the claim, but out of the way of the others, until somebody decides (`revive`,
        `discard`).
        """

    async def release(
        self, claim: Claim, *, not_before: datetime | None = None, refused_at: datetime | None = None
    ) -> None:
        """End the claim; its entries that are not done wait again, none before `not_before`. With `refused_at` the
        first of them counts one refusal more.
        """

    async def renew_lease(self, claim: Claim, now: datetime, lease_seconds: float) -> None:
        """Move the end of the claim's lease to `lease_seconds` after `now`."""

    async def next_due(self) -> datetime | None:
        """The earliest moment at which a channel that waits by `give_back` may be claimed; None when none waits."""

    async def backlog(self) -> Backlog:
        """How much waits and is set aside. Cheap, whatever the depth."""

    def entries(self, *, set_aside: bool = False) -> AsyncIterator[OutboxEntry]:
        """Those waiting, or those set aside, oldest first, a page at a time."""

    async def requeue(self, key: str) -> bool:
        """Let an entry that was set aside wait again, behind its channel's others. False when there is none."""

    async def discard(self, key: str) -> bool:
        """Drop an entry that waits unclaimed or was set aside; its key stays recognised. False when there is none."""

    async def purge(self, before: datetime) -> int:
        """Stop recognising the keys of entries that were appended before and are done; how many they were."""
