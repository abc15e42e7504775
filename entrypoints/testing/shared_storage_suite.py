"""The base of the contracts of a storage that several processes share."""

from collections.abc import AsyncIterator

import pytest

from application.ports.storage import Storage
from domain.actions import ActionId
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LANE_A, LEASE, X, action, after, at


async def lose(other: Storage, storage: Storage) -> None:
    """Lets the heartbeat of the other process expire, and not that of this one."""
    del other
    await _pass_lease(storage, 0)


async def lose_again(other: Storage, storage: Storage) -> None:
    """Does what `lose` does, after it."""
    del other
    await _pass_lease(storage, LEASE + 1)


async def _pass_lease(storage: Storage, since: float) -> None:
    for seconds in (LEASE / 2, LEASE):
        await at(storage, after(since + seconds)).heartbeat(LEASE)
    at(storage, after(since + LEASE + 1))


async def take(storage: Storage, action_id: ActionId = X) -> None:
    """Records an action in the lane of A."""
    await storage.journal.record(action(action_id), lane=LANE_A)


class SharedStorageSuite(StorageSuite):
    """`restart` returns a further process. One that does not renew its heartbeat is lost after LEASE seconds."""

    @pytest.fixture
    async def storage(self, restart: Restart) -> AsyncIterator[Storage]:
        """The storage of one process."""
        storage = restart()
        async with storage.open():
            await storage.heartbeat(LEASE)
            yield storage

    @pytest.fixture
    async def other(self, restart: Restart, storage: Storage) -> AsyncIterator[Storage]:
        """The storage of another process."""
        del storage
        other = restart()
        async with other.open():
            await other.heartbeat(LEASE)
            yield other
