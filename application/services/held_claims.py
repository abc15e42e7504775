"""The claims that the relay holds, and their leases."""

from asyncio import Task
from dataclasses import dataclass
from typing import Final

import structlog

from application.loop_time import loop_time
from application.policies import LeasePolicy
from application.ports.outbox import Outbox
from domain.errors import LeaseLost
from domain.outbox import Claim, Lane

log = structlog.get_logger()

_ENTRIES_PER_CLAIM: Final = 20


@dataclass(slots=True)
class _Held:
    claim: Claim
    confirmed_at: float
    """The latest time at which the claim certainly held, by the event loop's time."""
    additions: int
    """The number of additions to the outbox before the claim."""
    delivery: Task[None] | None = None
    is_ending: bool = False
    """Its last entry is being removed, which ends the lease in the storage before that answers."""


class HeldClaims:
    """Claims lanes, keeps their leases from expiring, and knows which claims are lost."""

    def __init__(self, outbox: Outbox, lease: LeasePolicy) -> None:
        self._outbox = outbox
        self._lease = lease
        self._held: dict[Lane, _Held] = {}
        self._additions = 0

    @property
    def all(self) -> list[Claim]:
        """The claims, the oldest first."""
        return [held.claim for held in self._held.values()]

    def on_new_entries(self) -> None:
        """Entries were added to the outbox, perhaps behind those of a claim."""
        self._additions += 1

    async def claim(self, lanes: int, min_priority: int) -> list[Claim]:
        """Claims at most `lanes` more lanes; see `Outbox.claim`."""
        asked_at, additions = loop_time(), self._additions
        claims = await self._outbox.claim(
            lanes, _ENTRIES_PER_CLAIM, self._lease.seconds, held=self.all, min_priority=min_priority
        )
        self._held |= {claim.lane: _Held(claim, asked_at, additions) for claim in claims}
        return claims

    def set_delivery(self, claim: Claim, delivery: Task[None]) -> None:
        """Cancels this task when the claim is found to be lost."""
        self._held[claim.lane].delivery = delivery

    def includes(self, claim: Claim) -> bool:
        """Whether the lane was not claimed anew since."""
        held = self._held.get(claim.lane)
        return held is not None and held.claim is claim

    def begin_to_end(self, claim: Claim) -> None:
        """The storage is about to release the claim: that its lease is gone no longer means that it was lost."""
        if self.includes(claim):
            self._held[claim.lane].is_ending = True

    def end(self, claim: Claim) -> bool:
        """Holds the claim no longer. Returns whether entries may wait behind its own."""
        held = self._held.get(claim.lane)
        if held is None or held.claim is not claim:
            return False
        del self._held[claim.lane]
        return held.additions != self._additions or len(claim.entries) == _ENTRIES_PER_CLAIM

    async def renew(self) -> None:
        """Renews all leases. Ends the deliveries that have lost their lane: the next holder asks the engine."""
        for held in list(self._held.values()):
            try:
                await self._renew(held)
            except LeaseLost as lost:
                self._stop(held, lost)

    async def check(self, claim: Claim) -> None:
        """Makes sure that the lane is still held, if the process may have stood still. Raises LeaseLost."""
        held = self._held.get(claim.lane)
        if held is None or held.claim is not claim:
            await self._outbox.renew_lease(claim, self._lease.seconds)
        elif loop_time() - held.confirmed_at > self._lease.seconds / 2:
            await self._renew(held)

    async def _renew(self, held: _Held) -> None:
        asked_at = loop_time()
        await self._outbox.renew_lease(held.claim, self._lease.seconds)
        held.confirmed_at = asked_at

    def _stop(self, held: _Held, lost: LeaseLost) -> None:
        if self.includes(held.claim) and not held.is_ending:
            log.warning("lease_lost", channel=held.claim.lane, reason=str(lost))
            if held.delivery is not None:
                held.delivery.cancel()
            else:
                self.end(held.claim)
