"""The contract of the rate limiter of a storage."""

import pytest

from application.ports.storage import Storage
from domain.channels import ChannelId
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import NOW, A, B, C, after, at


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
        assert await at(storage, NOW).rate_limiter.paused() == {A: 30}

    async def test_paused_channels_are_listed_until_their_pause_ends(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 30)
        await at(storage, NOW).rate_limiter.pause(B, 20)
        assert await at(storage, NOW).rate_limiter.paused() == {A: 30, B: 20}
        assert await at(storage, after(20)).rate_limiter.paused() == {A: 10}
        assert await at(storage, after(30)).rate_limiter.paused() == {}

    async def test_a_method_is_paused_like_a_channel(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause("leave", 30)
        assert await at(storage, after(10)).rate_limiter.pause_left("leave") == 20
        assert await at(storage, after(10)).rate_limiter.pause_left("join") == 0
        assert await at(storage, after(10)).rate_limiter.paused() == {"leave": 20}
        await storage.rate_limiter.lift(["leave"])
        assert await storage.rate_limiter.pause_left("leave") == 0

    async def test_rates_and_pauses_survive_an_orderly_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await reserve_slots(storage, 3)
            await at(storage, NOW).rate_limiter.pause(B, 30)
        async with (storage := restart()).open():
            assert await reserve_slots(storage, 1) == [0.5]
            assert await at(storage, NOW).rate_limiter.paused() == {B: 30}

    async def test_a_pause_of_longer_than_an_hour_ends_after_an_hour(self, storage: Storage) -> None:
        await at(storage, NOW).rate_limiter.pause(A, 1e11)
        assert await storage.rate_limiter.paused() == {A: 3600}

    @pytest.mark.parametrize("seconds", [-3600, 120, 86400])
    async def test_setting_the_clock_changes_no_rate_and_no_pause(
        self, storage: Storage, clock: ManualClock, seconds: float
    ) -> None:
        await reserve_slots(storage, 4)
        await storage.rate_limiter.pause(B, 30)
        clock.step(seconds)
        assert await storage.rate_limiter.reserve(A, 2, 3) == 1.0
        assert await storage.rate_limiter.paused() == {B: 30}

    @pytest.mark.parametrize("seconds", [-3600, -86400])
    async def test_after_a_restart_a_clock_set_back_delays_a_channel_by_one_slot_at_most(
        self, restart: Restart, clock: ManualClock, seconds: float
    ) -> None:
        async with (storage := restart()).open():
            await reserve_slots(storage, 4)
            await storage.channels.join(A, since=NOW)  # saves
        clock.step(seconds)
        async with (storage := restart()).open():
            assert await storage.rate_limiter.reserve(A, 2, 3) <= 1

    @pytest.mark.parametrize("seconds", [-3600, -86400])
    async def test_after_a_restart_with_the_clock_set_back_a_pause_lasts_no_longer_than_it_was_told(
        self, restart: Restart, clock: ManualClock, seconds: float
    ) -> None:
        async with (storage := restart()).open():
            await storage.rate_limiter.pause(B, 30)
            await storage.channels.join(A, since=NOW)  # saves
        clock.step(seconds)
        for _ in range(2):
            async with (storage := restart()).open():
                assert await storage.rate_limiter.paused() == {B: 30}
                await storage.channels.join(C, since=NOW)

    async def test_an_ended_pause_does_not_return_when_the_clock_is_set_back(
        self, restart: Restart, clock: ManualClock
    ) -> None:
        async with (storage := restart()).open():
            await storage.rate_limiter.pause(A, 30)
            await storage.rate_limiter.sync()
            await at(storage, after(31)).rate_limiter.sync()
        clock.step(-3600)
        async with (storage := restart()).open():
            assert await storage.rate_limiter.paused() == {}

    async def test_a_lifted_pause_is_over_also_after_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            for channel_id in (A, B):
                await storage.rate_limiter.pause(channel_id, 30)
            await storage.rate_limiter.lift([A, C])
            assert await storage.rate_limiter.paused() == {B: 30}
            assert await storage.rate_limiter.reserve(A, 2, 3) == 0
        async with (storage := restart()).open():
            assert await storage.rate_limiter.paused() == {B: 30}

    async def test_forgotten_channels_start_anew_and_others_do_not(self, storage: Storage) -> None:
        await reserve_slots(storage, 5)
        await reserve_slots(storage, 1, B)
        await at(storage, after(1)).rate_limiter.sync()
        assert await reserve_slots(storage, 1, seconds=1) == [0.5]
        assert await reserve_slots(storage, 4, B, seconds=1) == [0, 0, 0, 0.5]

    async def test_the_last_steady_moment_is_kept_over_restarts(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            assert await storage.rate_limiter.steady_at() is None
            for seconds in (1, 2):
                await storage.rate_limiter.note_steady(after(seconds))
        async with (storage := restart()).open():
            assert await storage.rate_limiter.steady_at() == after(2)
