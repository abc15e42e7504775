"""What processes on one storage can rely on for events, channels, keys, gaps and rates."""

import asyncio

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.gaps import Gap
from domain.message_keys import KeyedMessage
from entrypoints.testing.shared_storage_suite import SharedStorageSuite, lose
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.storage_values import LANE_A, LANE_B, LEASE, NOW, A, B, C, after, new_entry

KEY = "deploy 42"


class SharedContentsContract(SharedStorageSuite):
    async def test_it_says_that_it_can_be_shared(self, storage: Storage) -> None:
        assert storage.describe().is_shared

    async def test_a_lane_is_claimed_by_one_process(self, storage: Storage, other: Storage) -> None:
        await storage.outbox.append([new_entry(channel, 1) for channel in (A, B, C)])
        claims = await asyncio.gather(*[each.outbox.claim(2, 10, LEASE) for each in (storage, other)])
        claimed = [claim.lane for taken in claims for claim in taken]
        assert len(set(claimed)) == len(claimed)
        assert await storage.outbox.claim(3, 10, LEASE) + await other.outbox.claim(3, 10, LEASE) or len(claimed) == 3

    async def test_an_event_that_several_processes_receive_is_stored_once(
        self, storage: Storage, other: Storage
    ) -> None:
        for number in range(20):
            same = [new_entry(A, number)]
            are_new = await asyncio.gather(*[each.outbox.append(same) for each in (storage, other, storage)])
            assert sorted(are_new) == [[False], [False], [True]]
        assert (await other.outbox.backlog()).waiting == 20

    async def test_an_event_that_one_process_delivered_is_recognised_by_all(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        [claim] = await storage.outbox.claim(1, 1, LEASE)
        await storage.outbox.ack(claim, claim.entries[0])
        assert await other.outbox.append([new_entry(A, 1)]) == [False]

    async def test_several_processes_store_in_several_lanes_at_once(self, storage: Storage, other: Storage) -> None:
        lanes = (A, B, C)
        batches = [
            [new_entry(channel, 10 * number + n) for n, channel in enumerate(lanes[:: (-1) ** number])]
            for number in range(10)
        ]
        await asyncio.gather(*[each.outbox.append(batch) for batch in batches for each in (storage, other)])
        assert (await storage.outbox.backlog()).waiting == 30

    async def test_channels_joined_at_the_same_time_through_several_processes_are_all_joined(
        self, storage: Storage, other: Storage
    ) -> None:
        channels = [ChannelId(f"C{number}") for number in range(20)]
        await asyncio.gather(
            *[(storage, other)[n % 2].channels.join(channel, since=NOW) for n, channel in enumerate(channels)]
        )
        assert set((await storage.channels.joined()).ids) == set(channels)
        assert await storage.channels.joined() == await other.channels.joined()

    async def test_the_pace_is_common_to_all_processes(self, storage: Storage, other: Storage) -> None:
        waits = [await each.rate_limiter.reserve(A, 2, 3) for each in (storage, other) * 3]
        assert waits == [0, 0, 0, 0.5, 1.0, 1.5]

    async def test_processes_that_reserve_at_the_same_time_get_different_slots(
        self, storage: Storage, other: Storage
    ) -> None:
        waits = await asyncio.gather(*[each.rate_limiter.reserve(A, 2, 1) for each in (storage, other) * 10])
        assert sorted(waits) == [number / 2 for number in range(20)]

    async def test_a_process_that_starts_leaves_the_slots_of_the_others_alone(
        self, restart: Restart, storage: Storage
    ) -> None:
        for _ in range(5):
            await storage.rate_limiter.reserve(A, 1, 1)
        async with (starting := restart()).open():
            assert await starting.rate_limiter.reserve(A, 1, 1) == 5

    async def test_a_pause_concerns_all_processes_until_one_of_them_lifts_it(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.rate_limiter.pause(A, 30)
        await storage.rate_limiter.pause("leave", 20)
        assert await other.rate_limiter.pause_left("leave") == 20
        assert await other.rate_limiter.reserve(A, 1, 1) == 30
        await other.rate_limiter.lift([A, "leave"])
        assert await storage.rate_limiter.paused() == {}
        assert await storage.rate_limiter.pause_left("leave") == 0

    async def test_a_key_has_one_message_whoever_posts_it(self, storage: Storage, other: Storage) -> None:
        await storage.message_keys.reserve(A, KEY, after(1))
        assert await other.message_keys.reserve(A, KEY, after(2)) == KeyedMessage(A, KEY, "", after(1))
        await other.message_keys.bind(A, KEY, "1.0")
        assert await storage.message_keys.reserve(A, KEY, after(3)) == KeyedMessage(A, KEY, "1.0")
        assert await storage.message_keys.keys_of([(A, "1.0")]) == [KEY]

    async def test_the_gaps_are_those_of_all_processes(self, storage: Storage, other: Storage) -> None:
        gaps = [Gap(A, after(start), after(start + 10)) for start in range(0, 200, 10)]
        await asyncio.gather(*[(storage, other)[n % 2].gaps.add([gap]) for n, gap in enumerate(gaps)])
        assert await storage.gaps.pending() == [Gap(A, after(0), after(200))]
        await storage.gaps.close(Gap(A, after(0), after(200)))
        assert await other.gaps.pending() == []

    async def test_a_lost_process_has_neither_lanes_nor_actions_but_may_still_store_events(
        self, storage: Storage, other: Storage
    ) -> None:
        await lose(storage, other)
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]
        assert [claim.lane for claim in await other.outbox.claim(10, 10, LEASE)] == [LANE_A]
        assert await storage.leases.acquire(LANE_B)
