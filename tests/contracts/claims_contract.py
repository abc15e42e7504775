"""What every storage does with claims on channels that have messages waiting."""

import asyncio

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.outbox import Claim
from tests.contracts.storage_suite import Restart, StorageSuite
from tests.contracts.storage_values import LEASE, NOW, A, B, C, after, heard


async def claim_one(storage: Storage, seconds: float = 0, entries: int = 10) -> Claim:
    """The only channel that can be claimed that long after NOW."""
    [claim] = await storage.outbox.claim(10, entries, after(seconds), LEASE)
    return claim


class ClaimsContract(StorageSuite):
    async def test_nothing_can_be_claimed_when_nothing_waits(self, storage: Storage) -> None:
        assert await storage.outbox.claim(10, 10, NOW, LEASE) == []

    async def test_a_claim_holds_a_channels_entries_in_order(self, storage: Storage) -> None:
        entries = [heard(A, n, received_after=9 - n) for n in range(5)]
        await storage.outbox.append(entries[:3])
        await storage.outbox.append(entries[3:])
        assert await claim_one(storage) == Claim(A, tuple(entries), previous_lease_expired=False)

    async def test_a_claim_holds_no_more_entries_than_asked_for(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, n) for n in range(5)])
        assert (await claim_one(storage, entries=2)).entries == (heard(A, 0), heard(A, 1))

    async def test_no_more_channels_are_claimed_than_asked_for_those_first_that_wait_longest(
        self, storage: Storage
    ) -> None:
        received = {A: 3, B: 1, C: 2}
        await storage.outbox.append([heard(channel_id, 1, at) for channel_id, at in received.items()])
        claims = await storage.outbox.claim(2, 10, NOW, LEASE)
        assert [claim.channel_id for claim in claims] == [B, C]

    async def test_the_order_of_channels_goes_by_what_waits_now(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1, 1), heard(B, 1, 2), heard(A, 2, 3)])
        claim = (await storage.outbox.claim(1, 1, NOW, LEASE))[0]
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        claims = await storage.outbox.claim(2, 1, NOW, LEASE)
        assert [claim.channel_id for claim in claims] == [B, A]

    async def test_a_claimed_channel_is_not_claimed_again_nor_is_what_comes_in(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        await claim_one(storage, entries=1)
        await storage.outbox.append([heard(A, 3)])
        assert await storage.outbox.claim(10, 10, after(LEASE - 1), LEASE) == []

    async def test_claims_at_the_same_time_never_share_a_channel(self, storage: Storage) -> None:
        await storage.outbox.append([heard(ChannelId(f"C{n}"), 1) for n in range(40)])
        rounds = await asyncio.gather(*(storage.outbox.claim(7, 1, NOW, LEASE) for _ in range(8)))
        claimed = [claim.channel_id for claims in rounds for claim in claims]
        assert len(claimed) == len(set(claimed)) == 40

    async def test_what_is_done_does_not_come_again(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (heard(A, 2),)

    async def test_done_twice_is_done_once(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        claim = await claim_one(storage)
        for _ in range(2):
            await storage.outbox.ack(claim, claim.entries[0])
        assert (await storage.outbox.backlog()).waiting == 1

    async def test_entries_may_be_done_out_of_order(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, n) for n in range(3)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[1])
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (heard(A, 0), heard(A, 2))

    async def test_a_claim_with_nothing_left_still_holds_the_channel(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.append([heard(A, 2)])
        assert await storage.outbox.claim(10, 10, NOW, LEASE) == []
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (heard(A, 2),)

    async def test_what_is_given_back_waits_again_as_it_was(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        claim = await claim_one(storage)
        await storage.outbox.release(claim)
        assert await claim_one(storage) == claim

    async def test_what_is_given_back_with_a_pause_waits_until_then(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.release(await claim_one(storage), not_before=after(30))
        assert await storage.outbox.claim(10, 10, after(29.999999), LEASE) == []
        assert (await claim_one(storage, 30)).entries == (heard(A, 1),)

    async def test_a_channel_that_pauses_holds_up_no_other(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.release(await claim_one(storage), not_before=after(30))
        await storage.outbox.append([heard(B, 1), heard(A, 2)])
        assert (await claim_one(storage)).channel_id == B

    async def test_a_refusal_counts_for_the_first_entry_that_is_left(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, n) for n in range(3)])
        for seconds in (5, 6):
            claim = await claim_one(storage)
            await storage.outbox.ack(claim, heard(A, 0))
            await storage.outbox.release(claim, refused_at=after(seconds))
        first, second = (await claim_one(storage)).entries
        assert (first.said, first.rejections, first.first_rejected_at) == (heard(A, 1).said, 2, after(5))
        assert second == heard(A, 2)

    async def test_a_refusal_counts_for_nothing_when_the_claim_has_nothing_left(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        claim = await claim_one(storage, entries=1)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim, refused_at=NOW)
        assert (await claim_one(storage)).entries == (heard(A, 2),)

    async def test_refusals_and_pauses_outlive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([heard(A, 1)])
            await storage.outbox.release(await claim_one(storage), not_before=after(30), refused_at=NOW)
        async with (storage := restart()).open():
            assert await storage.outbox.claim(10, 10, after(29), LEASE) == []
            claim = await claim_one(storage, 30)
            assert (claim.entries[0].rejections, claim.previous_lease_expired) == (1, False)

    async def test_nothing_is_due_at_first_nor_for_what_is_not_paused(self, storage: Storage) -> None:
        assert await storage.outbox.next_due() is None
        await storage.outbox.append([heard(A, 1), heard(B, 1)])
        await storage.outbox.claim(1, 1, NOW, LEASE)
        assert await storage.outbox.next_due() is None

    async def test_the_next_due_is_the_earliest_pauses_end(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(B, 2)])
        for claim, seconds in zip(await storage.outbox.claim(2, 1, NOW, LEASE), (30, 20), strict=True):
            await storage.outbox.release(claim, not_before=after(seconds))
        assert await storage.outbox.next_due() == after(20)

    async def test_nothing_is_due_once_the_paused_channel_is_claimed(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.release(await claim_one(storage), not_before=after(30))
        await claim_one(storage, 30)
        assert await storage.outbox.next_due() is None

    async def test_nothing_is_due_when_all_of_the_paused_channel_was_discarded(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.release(await claim_one(storage), not_before=after(30))
        await storage.outbox.discard(heard(A, 1).key)
        assert await storage.outbox.next_due() is None
        await storage.outbox.append([heard(A, 2)])
        assert (await claim_one(storage)).entries == (heard(A, 2),)

    async def test_nothing_is_due_when_the_claim_given_back_had_nothing_left(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim, not_before=after(30))
        assert await storage.outbox.next_due() is None

    async def test_a_claim_whose_lease_ran_out_is_others_and_was_interrupted(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await claim_one(storage)
        again = await claim_one(storage, LEASE)
        assert again == Claim(A, (heard(A, 1),), previous_lease_expired=True)

    async def test_an_extended_claim_holds_for_longer(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.renew_lease(await claim_one(storage), after(50), LEASE)
        assert await storage.outbox.claim(10, 10, after(50 + LEASE - 1), LEASE) == []
        assert (await claim_one(storage, 50 + LEASE)).previous_lease_expired

    async def test_who_lost_a_claim_cannot_give_back_nor_extend_the_next_ones(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        lost = await claim_one(storage)
        await claim_one(storage, LEASE)
        await storage.outbox.release(lost, not_before=NOW, refused_at=NOW)
        await storage.outbox.renew_lease(lost, after(LEASE), 1000)
        assert await storage.outbox.claim(10, 10, after(2 * LEASE - 1), LEASE) == []
        assert (await claim_one(storage, 2 * LEASE)).entries == (heard(A, 1),)

    async def test_what_was_delivered_under_a_lost_claim_is_done(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        lost = await claim_one(storage)
        await claim_one(storage, LEASE)
        await storage.outbox.ack(lost, lost.entries[0])
        assert (await storage.outbox.backlog()).waiting == 0

    async def test_a_claim_given_back_was_not_interrupted(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1)])
        await storage.outbox.release(await claim_one(storage))
        assert not (await claim_one(storage, 2 * LEASE)).previous_lease_expired

    async def test_interrupted_stays_known_until_the_first_entry_is_resolved(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        await claim_one(storage)
        claim = await claim_one(storage, LEASE)
        await storage.outbox.release(claim)
        claim = await claim_one(storage, LEASE)
        assert claim.previous_lease_expired
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        assert not (await claim_one(storage, LEASE)).previous_lease_expired

    async def test_an_interrupted_claim_casts_no_doubt_on_entries_it_did_not_hold(self, storage: Storage) -> None:
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        claim = await claim_one(storage, entries=1)
        await storage.outbox.ack(claim, claim.entries[0])
        again = await claim_one(storage, LEASE)
        assert again == Claim(A, (heard(A, 2),), previous_lease_expired=False)

    async def test_a_restart_ends_all_claims_and_tells_of_it(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([heard(A, 1), heard(A, 2), heard(B, 3)])
            claims = await storage.outbox.claim(1, 10, NOW, LEASE)
            await storage.outbox.ack(claims[0], claims[0].entries[0])
        async with (storage := restart()).open():
            first, second = await storage.outbox.claim(10, 10, NOW, LEASE)
            assert first == Claim(A, (heard(A, 2),), previous_lease_expired=True)
            assert second == Claim(B, (heard(B, 3),), previous_lease_expired=False)
