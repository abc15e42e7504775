"""The storage in memory."""

import pytest

from adapters.memory.storage import MemoryStorage
from domain.errors import StorageUnusable
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_contract import StorageContract
from entrypoints.testing.storage_suite import Restart


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def restart(self, clock: ManualClock) -> Restart:
        storage = MemoryStorage(clock)
        return lambda: storage

    async def test_it_serves_one_pack_at_a_time(self, clock: ManualClock) -> None:
        storage = MemoryStorage(clock)
        async with storage.open():
            with pytest.raises(StorageUnusable, match="one pack at a time"):
                async with storage.open():
                    pass
