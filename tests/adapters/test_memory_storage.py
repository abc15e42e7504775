"""The storage in memory."""

import pytest

from adapters.memory.storage import MemoryStorage
from domain.errors import StorageUnusable
from tests.contracts.storage_contract import StorageContract
from tests.contracts.storage_suite import Restart


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def restart(self) -> Restart:
        storage = MemoryStorage()
        return lambda: storage

    async def test_it_serves_one_pack_at_a_time(self) -> None:
        storage = MemoryStorage()
        async with storage.open():
            with pytest.raises(StorageUnusable, match="one pack at a time"):
                async with storage.open():
                    pass
