"""The contract of the rate limiter of a storage."""

from application.ports.storage import Storage
from domain.channels import ChannelId
from tests.contracts.storage_suite import Restart, StorageSuite
from tests.contracts.storage_values import NOW, A, B, after, at


async def reserve_slots(storage: Storage, count: int, channel_id: ChannelId = A, seconds: float = 0) -> list[float]:
    """Reserves this many slots at one moment, at two per second with a burst of three."""
    return [await at(storage, after(seconds)).rate_limiter.reserve(channel_id, 2, 3) for _ in range(count)]


class RateLimiterContract(StorageSuite):
    async def test_a_burst_passes_at_once_and_the_rest_at_the_rate(self, storage: Storage) -> None:
        assert await reserve_slots(storage, 6) == [0, 0, 0, 0.5, 1.0, 1.5]

    async def test_without_a_burst_every_post_waits_for_its_slot(self, storage: Storage) -> None:
        assert [await at(storage, NOW).rate_limiter.reserve(A, 1, 1) for _ in range(3)] == [0, 1, 2]

    async def test_slots_become_free_with_time(self, storage: Storage) -> None:
        await reserve_slots(storage, 3)
        assert await reserve_slots(storage, 2, seconds=0.5) == [0, 0.5]

    async def test_no_more_than_a_burst_becomes_free_over_time(self, storage: Storage) -> None:
        await reserve_slots(storage, 3)
        assert await reserve_slots(storage, 4, seconds=1000) == [0, 0, 0, 0.5]

    async def test_future_slots_are_reserved_once(self, storage: Storage) -> None:
        assert await reserve_slots(storage, 5) == [0, 0, 0, 0.5, 1.0]
        assert await reserve_slots(storage, 1, seconds=0.75) == [0.75]

    async def test_each_channel_has_its_own_rate(self, storage: Storage) -> None:
        await reserve_slots(storage, 5)
        assert await reserve_slots(storage, 1, B) == [0]

    async def test_no_slot_is_free_while_a_channel_is_paused(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 30)
        assert await reserve_slots(storage, 1) == [30]
        assert await reserve_slots(storage, 1, B) == [0]

    async def test_no_burst_follows_a_pause(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 30)
        assert await reserve_slots(storage, 3, seconds=30) == [0, 0.5, 1.0]

    async def test_a_shorter_pause_does_not_end_a_longer_one(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 30)
        await at(storage, NOW).rate_limiter.pause(A, 10)
        assert await at(storage, NOW).rate_limiter.paused() == {A: after(30)}

    async def test_paused_channels_are_listed_until_their_pause_ends(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 30)
        await at(storage, NOW).rate_limiter.pause(B, 20)
        assert await at(storage, NOW).rate_limiter.paused() == {A: after(30), B: after(20)}
        assert await at(storage, after(20)).rate_limiter.paused() == {A: after(30)}
        assert await at(storage, after(30)).rate_limiter.paused() == {}

    async def test_rates_and_pauses_survive_an_orderly_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await reserve_slots(storage, 4)
            await at(storage, NOW).rate_limiter.pause(B, 30)
        async with (storage := restart()).open():
            assert await reserve_slots(storage, 1) == [1.0]
            assert await at(storage, NOW).rate_limiter.paused() == {B: after(30)}
