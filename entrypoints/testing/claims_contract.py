"""The contract of claims: exclusive, leased access to the waiting messages of a channel."""

import asyncio

import pytest

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.errors import LeaseLost
from domain.outbox import Claim, Lane, OutboxEntry
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    LANE_B,
    LANE_C,
    LEASE,
    NOW,
    STEPS,
    A,
    B,
    C,
    after,
    at,
    new_click,
    new_entry,
)


async def claim_one(storage: Storage, seconds: float = 0, entries: int = 10) -> Claim:
    """Claims the only claimable channel at this many seconds after NOW."""
    [claim] = await at(storage, after(seconds)).outbox.claim(10, entries, LEASE)
    return claim


def contents(claim: Claim) -> tuple[Lane, tuple[OutboxEntry, ...], bool]:
    """Returns all of a claim but its token, which is never the same."""
    return claim.lane, claim.entries, claim.previous_lease_expired


class ClaimsContract(StorageSuite):
    async def test_an_empty_outbox_yields_no_claims(self, storage: Storage) -> None:
        assert await at(storage, NOW).outbox.claim(10, 10, LEASE) == []

    async def test_a_claim_holds_a_channels_entries_in_order(self, storage: Storage) -> None:
        entries = [new_entry(A, n, received_after=9 - n) for n in range(5)]
        await storage.outbox.append(entries[:3])
        await storage.outbox.append(entries[3:])
        assert contents(await claim_one(storage)) == (LANE_A, tuple(entries), False)

    async def test_a_claim_holds_no_more_entries_than_requested(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, n) for n in range(5)])
        assert (await claim_one(storage, entries=2)).entries == (new_entry(A, 0), new_entry(A, 1))

    async def test_the_requested_number_of_channels_is_claimed_longest_waiting_first(self, storage: Storage) -> None:
        for seconds, channel_id in enumerate((B, C, A)):
            await at(storage, after(seconds)).outbox.append([new_entry(channel_id, 1, received_after=0)])
            CLOCK.step(-3600)
        claims = await storage.outbox.claim(2, 10, LEASE)
        assert [claim.lane for claim in claims] == [LANE_B, LANE_C]

    async def test_lanes_of_lower_priority_can_be_left_out(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_click(2)])
        claims = await at(storage, NOW).outbox.claim(10, 10, LEASE, min_priority=1)
        assert [claim.entries for claim in claims] == [(new_click(2),)]

    async def test_interactions_are_claimed_before_messages_that_have_waited_longer(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 2)])
        await at(storage, after(60)).outbox.append([new_click(60, "U1"), new_click(61, "U2")])
        claims = await storage.outbox.claim(3, 10, LEASE)
        assert [claim.lane for claim in claims] == ["user:U1", "user:U2", LANE_A]

    async def test_the_interactions_of_a_user_are_claimed_in_order_whatever_the_channel(self, storage: Storage) -> None:
        clicks = [new_click(1, channel_id=A), new_click(2, channel_id=B), new_click(3, channel_id=A)]
        await storage.outbox.append(clicks)
        assert (await claim_one(storage)).entries == tuple(clicks)

    async def test_an_interaction_does_not_wait_for_the_messages_of_its_channel(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30)
        await storage.outbox.append([new_click(2, channel_id=A)])
        assert (await claim_one(storage)).entries == (new_click(2, channel_id=A),)

    async def test_the_order_of_channels_depends_on_waiting_entries_only(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 1), new_entry(A, 2)])
        claim = (await at(storage, NOW).outbox.claim(1, 1, LEASE))[0]
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        claims = await at(storage, NOW).outbox.claim(2, 1, LEASE)
        assert [claim.lane for claim in claims] == [LANE_B, LANE_A]

    async def test_a_claimed_channel_is_not_claimed_again_even_for_new_entries(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await claim_one(storage, entries=1)
        await storage.outbox.append([new_entry(A, 3)])
        assert await at(storage, after(LEASE - 1)).outbox.claim(10, 10, LEASE) == []

    async def test_concurrent_claims_never_share_a_channel(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(ChannelId(f"C{n}"), 1) for n in range(40)])
        rounds = await asyncio.gather(*(at(storage, NOW).outbox.claim(7, 1, LEASE) for _ in range(8)))
        claimed = [claim.lane for claims in rounds for claim in claims]
        assert len(claimed) == len(set(claimed)) == 40

    async def test_an_acked_entry_is_not_claimed_again(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (new_entry(A, 2),)

    async def test_an_entry_may_be_acked_twice(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage)
        for _ in range(2):
            await storage.outbox.ack(claim, claim.entries[0])
        assert (await storage.outbox.backlog()).waiting == 1

    async def test_entries_may_be_acked_out_of_order(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, n) for n in range(3)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[1])
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (new_entry(A, 0), new_entry(A, 2))

    async def test_a_claim_without_entries_left_still_holds_the_channel(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.append([new_entry(A, 2)])
        assert await at(storage, NOW).outbox.claim(10, 10, LEASE) == []
        await storage.outbox.release(claim)
        assert (await claim_one(storage)).entries == (new_entry(A, 2),)

    async def test_an_ack_that_releases_lets_the_channel_be_claimed_again(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0], releases=True)
        claim = await claim_one(storage)
        assert contents(claim) == (LANE_A, (new_entry(A, 2),), False)
        await storage.outbox.ack(claim, claim.entries[0], releases=True)
        assert (await storage.outbox.backlog()).waiting == 0
        assert await at(storage, NOW).outbox.claim(10, 10, LEASE) == []

    async def test_an_ack_that_releases_may_be_repeated(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage)
        for _ in range(2):
            await storage.outbox.ack(claim, claim.entries[0], releases=True)
        assert (await claim_one(storage)).entries == (new_entry(A, 2),)

    async def test_a_lost_claim_can_not_release_the_next_one_with_an_ack(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        lost = await claim_one(storage)
        current = await claim_one(storage, LEASE)
        with pytest.raises(LeaseLost):
            await storage.outbox.ack(lost, lost.entries[0], releases=True)
        assert await at(storage, after(LEASE)).outbox.claim(10, 10, LEASE) == []
        await storage.outbox.release(current)

    async def test_released_entries_wait_again_unchanged(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage)
        await storage.outbox.release(claim)
        assert contents(await claim_one(storage)) == contents(claim)

    async def test_entries_released_with_a_pause_wait_until_its_end(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30)
        assert await at(storage, after(29.999999)).outbox.claim(10, 10, LEASE) == []
        assert (await claim_one(storage, 30)).entries == (new_entry(A, 1),)

    async def test_a_paused_channel_does_not_delay_others(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30)
        await storage.outbox.append([new_entry(B, 1), new_entry(A, 2)])
        assert (await claim_one(storage)).lane == LANE_B

    async def test_a_rejection_counts_for_the_first_remaining_entry(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, n) for n in range(3)])
        for seconds in (5, 6):
            claim = await claim_one(storage)
            await storage.outbox.ack(claim, new_entry(A, 0))
            await at(storage, after(seconds)).outbox.release(claim, rejected=True)
        first, second = (await claim_one(storage)).entries
        assert (first.event, first.rejections, first.first_rejected_at) == (new_entry(A, 1).event, 2, after(5))
        assert second == new_entry(A, 2)

    async def test_a_rejection_does_not_count_for_a_claim_without_entries_left(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        claim = await claim_one(storage, entries=1)
        await storage.outbox.ack(claim, claim.entries[0])
        await at(storage, NOW).outbox.release(claim, rejected=True)
        assert (await claim_one(storage)).entries == (new_entry(A, 2),)

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_neither_ends_nor_prolongs_a_pause(self, restart: Restart, step: float) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1)])
            await storage.outbox.release(await claim_one(storage), retry_after_seconds=30)
            CLOCK.step(step)
            assert await at(storage, after(10)).outbox.claim(10, 10, LEASE) == []
            assert await storage.outbox.next_due_seconds() == 20
        async with (storage := restart()).open():
            CLOCK.step(step)
            assert await at(storage, after(29)).outbox.claim(10, 10, LEASE) == []
            assert (await claim_one(storage, 30)).entries == (new_entry(A, 1),)

    async def test_the_time_since_the_first_rejection_is_told_whatever_the_time_of_day(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1)])
            claim = await claim_one(storage)
            assert claim.rejected_seconds == 0
            await storage.outbox.release(claim, rejected=True)
            CLOCK.step(7200)
            again = await claim_one(storage, 10)
            assert again.rejected_seconds == 10
            await storage.outbox.release(again, rejected=True)
        async with (storage := restart()).open():
            assert (await claim_one(storage, 40)).rejected_seconds == 40

    async def test_rejections_and_pauses_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1)])
            await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30, rejected=True)
        async with (storage := restart()).open():
            assert await at(storage, after(29)).outbox.claim(10, 10, LEASE) == []
            claim = await claim_one(storage, 30)
            assert (claim.entries[0].rejections, claim.previous_lease_expired) == (1, False)

    async def test_only_paused_channels_become_due(self, storage: Storage) -> None:
        assert await storage.outbox.next_due_seconds() is None
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 1)])
        await at(storage, NOW).outbox.claim(1, 1, LEASE)
        assert await storage.outbox.next_due_seconds() is None

    async def test_the_next_due_time_is_the_earliest_end_of_a_pause(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 2)])
        for claim, seconds in zip(await at(storage, NOW).outbox.claim(2, 1, LEASE), (30, 20), strict=True):
            await at(storage, NOW).outbox.release(claim, retry_after_seconds=seconds)
        assert await storage.outbox.next_due_seconds() == 20

    async def test_nothing_is_due_once_the_paused_channel_is_claimed(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30)
        await claim_one(storage, 30)
        assert await storage.outbox.next_due_seconds() is None

    async def test_nothing_is_due_once_the_paused_channel_is_empty(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await at(storage, NOW).outbox.release(await claim_one(storage), retry_after_seconds=30)
        await storage.outbox.discard(new_entry(A, 1).key)
        assert await storage.outbox.next_due_seconds() is None
        await storage.outbox.append([new_entry(A, 2)])
        assert (await claim_one(storage)).entries == (new_entry(A, 2),)

    async def test_nothing_is_due_after_releasing_a_claim_without_entries_left(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        claim = await claim_one(storage)
        await storage.outbox.ack(claim, claim.entries[0])
        await at(storage, NOW).outbox.release(claim, retry_after_seconds=30)
        assert await storage.outbox.next_due_seconds() is None
