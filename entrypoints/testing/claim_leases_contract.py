"""The contract of the leases of claims: how they are renewed, expire, and get lost to another claim."""

import pytest

from application.ports.storage import Storage
from domain.errors import LeaseLost
from entrypoints.testing.claims_contract import claim_one, contents
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    LANE_B,
    LEASE,
    NOW,
    STEPS,
    A,
    B,
    after,
    at,
    new_entry,
)


class ClaimLeasesContract(StorageSuite):
    async def test_an_expired_claim_can_be_claimed_by_others_and_is_marked_as_expired(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await claim_one(storage)
        again = await claim_one(storage, LEASE)
        assert contents(again) == (LANE_A, (new_entry(A, 1),), True)

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_neither_ends_nor_prolongs_a_lease(self, storage: Storage, step: float) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        claim = await claim_one(storage)
        CLOCK.step(step)
        assert await at(storage, after(LEASE - 1)).outbox.claim(10, 10, LEASE) == []
        await storage.outbox.renew_lease(claim, LEASE)
        CLOCK.step(step)
        assert await at(storage, after(2 * LEASE - 2)).outbox.claim(10, 10, LEASE) == []
        assert (await claim_one(storage, 2 * LEASE)).previous_lease_expired

    async def test_a_renewed_lease_lasts_longer(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        claim = await claim_one(storage)
        await at(storage, after(50)).outbox.renew_lease(claim, LEASE)
        assert await at(storage, after(50 + LEASE - 1)).outbox.claim(10, 10, LEASE) == []
        assert (await claim_one(storage, 50 + LEASE)).previous_lease_expired

    async def test_a_lost_claim_can_neither_release_nor_renew_its_successor(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        lost = await claim_one(storage)
        await claim_one(storage, LEASE)
        with pytest.raises(LeaseLost, match="CA"):
            await storage.outbox.release(lost, rejected=True)
        with pytest.raises(LeaseLost, match="CA"):
            await storage.outbox.renew_lease(lost, 1000)
        assert await at(storage, after(2 * LEASE - 1)).outbox.claim(10, 10, LEASE) == []
        assert (await claim_one(storage, 2 * LEASE)).entries == (new_entry(A, 1),)

    async def test_held_claims_are_renewed_before_others_are_made(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 1)])
        [held] = await at(storage, NOW).outbox.claim(1, 10, LEASE)
        claims = await at(storage, after(LEASE + 1)).outbox.claim(10, 10, LEASE, held=[held])
        assert [claim.lane for claim in claims] == [LANE_B]
        await storage.outbox.release(held)

    async def test_every_claim_of_a_lane_has_a_higher_token(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        first = await claim_one(storage)
        assert (await claim_one(storage, LEASE)).lease.token > first.lease.token

    async def test_a_lost_claim_can_neither_ack_nor_dead_letter(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        lost = await claim_one(storage)
        current = await claim_one(storage, LEASE)
        with pytest.raises(LeaseLost):
            await storage.outbox.ack(lost, lost.entries[0])
        with pytest.raises(LeaseLost):
            await storage.outbox.dead_letter(lost, lost.entries[0], "no")
        await storage.outbox.release(current)
        assert (await claim_one(storage, LEASE)).entries == (new_entry(A, 1),)

    async def test_an_expired_claim_that_nobody_has_taken_over_can_ack(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        claim = await claim_one(storage)
        await at(storage, after(2 * LEASE)).outbox.ack(claim, claim.entries[0])
        assert (await storage.outbox.backlog()).waiting == 0

    async def test_a_released_claim_is_not_marked_as_expired(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await storage.outbox.release(await claim_one(storage))
        assert not (await claim_one(storage, 2 * LEASE)).previous_lease_expired

    async def test_the_expired_mark_stays_until_the_first_entry_is_resolved(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await claim_one(storage)
        claim = await claim_one(storage, LEASE)
        await storage.outbox.release(claim)
        claim = await claim_one(storage, LEASE)
        assert claim.previous_lease_expired
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        assert not (await claim_one(storage, LEASE)).previous_lease_expired

    async def test_an_expired_claim_marks_only_the_entries_it_held(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage, entries=1)
        await storage.outbox.ack(claim, claim.entries[0])
        again = await claim_one(storage, LEASE)
        assert contents(again) == (LANE_A, (new_entry(A, 2),), False)

    async def test_a_restart_expires_all_claims(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(B, 3)])
            claims = await at(storage, NOW).outbox.claim(1, 10, LEASE)
            await storage.outbox.ack(claims[0], claims[0].entries[0])
        async with (storage := restart()).open():
            first, second = await at(storage, NOW).outbox.claim(10, 10, LEASE)
            assert contents(first) == (LANE_A, (new_entry(A, 2),), True)
            assert contents(second) == (LANE_B, (new_entry(B, 3),), False)
