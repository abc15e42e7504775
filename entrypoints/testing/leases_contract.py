"""The contract of the leases part of a storage, for a single process."""

import pytest

from application.ports.storage import Storage
from domain.errors import LeaseLost
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LANE_A, LANE_B, NOW, X, action, at, held


class LeasesContract(StorageSuite):
    async def test_an_acquired_lane_is_held_until_it_is_released(self, storage: Storage) -> None:
        lease = await held(storage)
        await storage.leases.check(lease)
        await storage.leases.release(lease)
        with pytest.raises(LeaseLost):
            await storage.leases.check(lease)

    async def test_every_lease_of_a_lane_has_a_higher_token(self, storage: Storage) -> None:
        first = await held(storage)
        await storage.leases.release(first)
        assert (await held(storage)).token > first.token

    async def test_a_lane_that_is_acquired_again_belongs_to_the_new_lease_alone(self, storage: Storage) -> None:
        first, second = await held(storage), await held(storage)
        await storage.leases.check(second)
        with pytest.raises(LeaseLost):
            await storage.leases.check(first)

    async def test_releasing_a_lost_lease_leaves_its_successor_alone(self, storage: Storage) -> None:
        first, second = await held(storage), await held(storage)
        await storage.leases.release(first)
        await storage.leases.check(second)

    async def test_lanes_are_independent(self, storage: Storage) -> None:
        first, other = await held(storage, LANE_A), await held(storage, LANE_B)
        await storage.leases.release(other)
        await storage.leases.check(first)

    async def test_the_only_action_of_a_lane_acquires_it(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(X), lane=LANE_A)
        lease = await storage.leases.acquire(LANE_A, X)
        assert lease
        assert lease.lane == LANE_A

    async def test_an_action_that_is_recorded_nowhere_acquires_a_free_lane(self, storage: Storage) -> None:
        assert await storage.leases.acquire(LANE_A, X)

    async def test_a_restarted_process_acquires_what_the_earlier_one_held(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await held(storage)
        async with (storage := restart()).open():
            await storage.leases.check(await held(storage))
