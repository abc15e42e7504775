"""The contract of the outbox part of a storage."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from application.ports.storage import Storage, Topic
from domain.errors import TooLate
from domain.interactions import Reaction
from domain.outbox import Backlog, Claim, InboundEvent, OutboxEntry, outbox_entry
from entrypoints.testing import strategies
from entrypoints.testing.storage_suite import Restart, StorageSuite, property_settings
from entrypoints.testing.storage_values import CLOCK, LEASE, NOW, STEPS, A, B, C, after, at, new_click, new_entry


async def waiting(storage: Storage) -> list[OutboxEntry]:
    return [entry async for entry in storage.outbox.entries()]


async def dead_letters(storage: Storage) -> list[OutboxEntry]:
    return [entry async for entry in storage.outbox.entries(dead_lettered=True)]


async def dead_letter_first(storage: Storage, reason: str = "malformed") -> OutboxEntry:
    [claim] = await at(storage, NOW).outbox.claim(1, 1, LEASE)
    await storage.outbox.dead_letter(claim, claim.entries[0], reason)
    await storage.outbox.release(claim)
    return claim.entries[0]


async def ack_first(storage: Storage) -> OutboxEntry:
    [claim] = await storage.outbox.claim(1, 1, LEASE)
    await storage.outbox.ack(claim, claim.entries[0])
    await storage.outbox.release(claim)
    return claim.entries[0]


class OutboxContract(StorageSuite):
    async def test_whoever_is_told_of_a_new_entry_can_claim_it(self, storage: Storage) -> None:
        claiming: list[asyncio.Task[list[Claim]]] = []
        storage.subscribe(
            Topic.OUTBOX, lambda: claiming.append(asyncio.ensure_future(storage.outbox.claim(10, 10, LEASE)))
        )
        await storage.outbox.append([new_entry(A, 1)])
        claims = [claim for claims in await asyncio.gather(*claiming) for claim in claims]
        assert [claim.entries for claim in claims] == [(new_entry(A, 1),)]

    async def test_an_appended_entry_is_new_and_waits(self, storage: Storage) -> None:
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]
        assert await waiting(storage) == [new_entry(A, 1)]

    async def test_a_backfilled_entry_is_recognised_as_such(self, restart: Restart) -> None:
        backfilled = replace(new_entry(A, 1), is_backfilled=True)
        async with (storage := restart()).open():
            await storage.outbox.append([backfilled, new_entry(A, 2)])
        async with (storage := restart()).open():
            assert await waiting(storage) == [backfilled, new_entry(A, 2)]

    async def test_appending_nothing_is_allowed(self, storage: Storage) -> None:
        assert await storage.outbox.append([]) == []

    async def test_the_key_of_a_waiting_entry_is_recognised(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        assert await storage.outbox.append([new_entry(A, 1, received_after=50), new_entry(A, 2)]) == [False, True]
        assert await waiting(storage) == [new_entry(A, 1), new_entry(A, 2)]

    async def test_the_same_key_twice_in_one_call_is_new_once(self, storage: Storage) -> None:
        assert await storage.outbox.append([new_entry(A, 1), new_entry(A, 1), new_entry(B, 1)]) == [True, False, True]
        assert len(await waiting(storage)) == 2

    async def test_the_same_timestamp_in_another_channel_is_another_message(self, storage: Storage) -> None:
        assert await storage.outbox.append([new_entry(A, 1), new_entry(B, 1)]) == [True, True]

    async def test_the_same_key_appended_concurrently_is_new_once(self, storage: Storage) -> None:
        answers = await asyncio.gather(*(storage.outbox.append([new_entry(A, 1)]) for _ in range(20)))
        assert sum(is_new for [is_new] in answers) == 1

    async def test_the_key_of_an_acked_entry_is_recognised(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await ack_first(storage)
        assert await storage.outbox.append([new_entry(A, 1)]) == [False]

    async def test_the_key_of_a_dead_lettered_entry_is_recognised(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await dead_letter_first(storage)
        assert await storage.outbox.append([new_entry(A, 1)]) == [False]

    async def test_the_key_of_a_discarded_entry_is_recognised(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await storage.outbox.discard(new_entry(A, 1).key)
        assert await storage.outbox.append([new_entry(A, 1)]) == [False]

    async def test_a_purged_key_is_new_again(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await ack_first(storage)
        assert await at(storage, after(2)).outbox.purge(timedelta()) == 1
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]

    async def test_only_entries_acked_longer_ago_are_purged(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(A, 3), new_entry(A, 4)])
        await dead_letter_first(storage)
        await ack_first(storage)
        await ack_first(at(storage, after(3)))
        assert await at(storage, after(5)).outbox.purge(timedelta(seconds=2)) == 1
        assert await storage.outbox.append([new_entry(A, n) for n in (1, 2, 3, 4)]) == [False, True, False, False]

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_purges_no_key_and_keeps_none_for_longer(
        self, storage: Storage, step: float
    ) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await ack_first(storage)
        CLOCK.step(step)
        assert await at(storage, after(3599)).outbox.purge(timedelta(hours=1)) == 0
        assert await storage.outbox.append([new_entry(A, 1)]) == [False]
        assert await at(storage, after(3601)).outbox.purge(timedelta(hours=1)) == 1

    async def test_keys_age_across_restarts(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1)])
            await ack_first(storage)
        purged = []
        for minutes in range(10, 70, 10):
            async with (storage := restart()).open():
                CLOCK.step(-3600)
                purged.append(await at(storage, after(60 * minutes)).outbox.purge(timedelta(minutes=45)))
        assert purged == [0, 0, 0, 0, 1, 0]

    async def test_purging_counts_every_entry(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, n, received_after=0) for n in range(2500)])
        [claim] = await at(storage, NOW).outbox.claim(1, 2500, LEASE)
        await asyncio.gather(*(storage.outbox.ack(claim, entry) for entry in claim.entries))
        assert await at(storage, after(1)).outbox.purge(timedelta()) == 2500

    async def test_waiting_entries_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1), new_entry(B, 2)])
            await dead_letter_first(storage)
        async with (storage := restart()).open():
            assert await waiting(storage) == [new_entry(B, 2)]
            assert [entry.key for entry in await dead_letters(storage)] == [new_entry(A, 1).key]
            assert await storage.outbox.append([new_entry(A, 1), new_entry(B, 2)]) == [False, False]

    @property_settings
    @given(event=strategies.inbound_events)
    async def test_an_event_of_any_kind_is_read_back_unchanged(self, storage: Storage, event: InboundEvent) -> None:
        entry = outbox_entry(event, NOW)
        if await storage.outbox.append([entry]) == [False]:
            return  # as an earlier example
        [claim] = await at(storage, NOW).outbox.claim(1, 1, LEASE)
        assert claim.entries == (entry,)
        assert claim.lane == entry.lane
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)

    async def test_an_interaction_survives_a_restart_as_it_was(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1), new_click(2)])
        async with (storage := restart()).open():
            assert await waiting(storage) == [new_entry(A, 1), new_click(2)]
            assert await storage.outbox.append([new_click(2)]) == [False]

    async def test_entries_of_a_channel_are_stored_only_if_it_is_joined_at_that_moment(self, storage: Storage) -> None:
        await storage.channels.join(A, since=NOW)
        for n, channel_id, is_new in ((1, A, True), (2, B, False)):
            assert await storage.outbox.append([new_entry(channel_id, n)], only_if_joined={A, B}) == [is_new]
        await storage.channels.leave(A)
        assert await storage.outbox.append([new_entry(A, 3), new_entry(C, 4)], only_if_joined={A}) == [False, True]
        assert [entry.key async for entry in storage.outbox.entries()] == [new_entry(A, 1).key, new_entry(C, 4).key]

    async def test_an_entry_that_was_left_out_is_new_later(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)], only_if_joined={A})
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]

    async def test_only_messages_move_the_time_of_the_latest_message(self, storage: Storage) -> None:
        reaction = Reaction(
            channel_id=A, user_id="U1", reaction="tada", timestamp="1800000000.000100", event_timestamp="1800000001.0"
        )
        await storage.outbox.append([outbox_entry(reaction, NOW), new_click(3)])
        assert await storage.channels.last_message_at(A) is None
        await storage.outbox.append([new_entry(A, 1)])
        assert await storage.channels.last_message_at(A) == datetime.fromtimestamp(1700000000.000001, UTC)
        assert await storage.channels.active_since(datetime.fromtimestamp(1700000000, UTC)) == {A}

    async def test_an_entry_appended_in_time_waits(self, storage: Storage) -> None:
        assert await storage.outbox.append([new_click(1)], within_seconds=2.5) == [True]
        assert await waiting(storage) == [new_click(1)]

    async def test_an_entry_whose_time_is_over_is_not_stored(self, storage: Storage) -> None:
        with pytest.raises(TooLate):
            await storage.outbox.append([new_click(1)], within_seconds=0)
        assert await waiting(storage) == []
        assert await storage.outbox.append([new_click(1)]) == [True]

    async def test_entries_are_listed_in_the_order_of_appending_whatever_the_time_of_day(
        self, storage: Storage
    ) -> None:
        entries = [
            new_entry(A, 1, received_after=3),
            new_entry(B, 1, received_after=1),
            new_entry(A, 2, received_after=2),
        ]
        for entry in entries:
            await storage.outbox.append([entry])
            CLOCK.step(-3600)
        assert await waiting(storage) == entries

    async def test_entries_with_equal_times_are_listed_in_the_order_of_appending(self, storage: Storage) -> None:
        entries = [new_entry(channel_id, n, received_after=0) for n in range(5) for channel_id in (C, A)]
        await storage.outbox.append(entries)
        assert await waiting(storage) == entries

    async def test_entries_are_listed_completely_over_many_pages(self, storage: Storage) -> None:
        entries = [new_entry(A, n, received_after=n // 250) for n in range(1000)]
        await storage.outbox.append(entries)
        assert await waiting(storage) == entries

    async def test_a_dead_lettered_entry_keeps_its_reason_and_blocks_no_other(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await dead_letter_first(storage, "the engine said 400")
        assert await waiting(storage) == [new_entry(A, 2)]
        [entry] = await dead_letters(storage)
        assert (entry.event, entry.dead_letter_reason) == (new_entry(A, 1).event, "the engine said 400")

    async def test_a_requeued_entry_waits_behind_the_others_of_its_channel(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await dead_letter_first(storage)
        assert await storage.outbox.requeue(new_entry(A, 1).key)
        [claim] = await at(storage, NOW).outbox.claim(1, 9, LEASE)
        assert claim.entries == (new_entry(A, 2), new_entry(A, 1))
        assert await dead_letters(storage) == []

    async def test_a_requeued_entry_has_no_rejections(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        [claim] = await at(storage, NOW).outbox.claim(1, 9, LEASE)
        await at(storage, NOW).outbox.release(claim, rejected=True)
        await dead_letter_first(storage)
        await storage.outbox.requeue(new_entry(A, 1).key)
        assert await waiting(storage) == [new_entry(A, 1)]

    async def test_a_requeued_entry_can_be_claimed_when_it_is_the_only_one(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await dead_letter_first(storage)
        await storage.outbox.requeue(new_entry(A, 1).key)
        assert len(await at(storage, NOW).outbox.claim(1, 1, LEASE)) == 1

    async def test_only_a_dead_lettered_entry_can_be_requeued(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await ack_first(storage)
        for key in (new_entry(A, 1).key, new_entry(A, 2).key, "unknown"):
            assert not await storage.outbox.requeue(key)
        assert await waiting(storage) == [new_entry(A, 2)]

    async def test_a_waiting_entry_can_be_discarded(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        assert await storage.outbox.discard(new_entry(A, 1).key)
        [claim] = await at(storage, NOW).outbox.claim(1, 9, LEASE)
        assert claim.entries == (new_entry(A, 2),)

    async def test_a_dead_lettered_entry_can_be_discarded(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await dead_letter_first(storage)
        assert await storage.outbox.discard(new_entry(A, 1).key)
        assert await dead_letters(storage) == []

    async def test_a_claimed_entry_cannot_be_discarded_but_those_behind_it_can(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        await at(storage, NOW).outbox.claim(1, 1, LEASE)
        assert not await storage.outbox.discard(new_entry(A, 1).key)
        assert await storage.outbox.discard(new_entry(A, 2).key)
        assert await waiting(storage) == [new_entry(A, 1)]

    async def test_an_acked_or_unknown_entry_cannot_be_discarded(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await ack_first(storage)
        assert not await storage.outbox.discard(new_entry(A, 1).key)
        assert not await storage.outbox.discard("unknown")

    async def test_the_backlog_is_empty_at_first(self, storage: Storage) -> None:
        assert await storage.outbox.backlog() == Backlog(0, 0, None)

    async def test_the_backlog_counts_waiting_and_dead_lettered_entries(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(B, 3), new_entry(B, 4)])
        await dead_letter_first(storage)
        await ack_first(storage)
        await at(storage, NOW).outbox.claim(1, 1, LEASE)
        assert await storage.outbox.backlog() == Backlog(waiting=2, dead_lettered=1, oldest_at=after(3))

    async def test_the_backlog_follows_requeueing_discarding_and_purging(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, n) for n in range(5)])
        await dead_letter_first(storage)
        await dead_letter_first(storage)
        await storage.outbox.requeue(new_entry(A, 0).key)
        await storage.outbox.discard(new_entry(A, 1).key)
        await storage.outbox.discard(new_entry(A, 2).key)
        await at(storage, after(100)).outbox.purge(timedelta())
        assert await storage.outbox.backlog() == Backlog(3, 0, after(3), oldest_waited_seconds=100)

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_makes_no_entry_older_or_younger(self, storage: Storage, step: float) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        CLOCK.step(step)
        await at(storage, after(60)).outbox.append([new_entry(B, 1, received_after=step)])
        assert await storage.outbox.backlog() == Backlog(2, 0, after(1), oldest_waited_seconds=60)

    async def test_the_backlog_survives_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1), new_entry(B, 2)])
        async with (storage := restart()).open():
            assert await storage.outbox.backlog() == Backlog(waiting=2, dead_lettered=0, oldest_at=after(1))
