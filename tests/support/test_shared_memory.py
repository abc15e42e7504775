"""The storage that processes share in tests behaves as those of the pack do."""

import pytest

from tests.contracts.shared_storage_contract import SharedStorageContract
from tests.contracts.storage_suite import Restart
from tests.contracts.storage_values import LEASE
from tests.support.manual_clock import ManualClock
from tests.support.shared_memory import SharedMemory


class TestSharedMemory(SharedStorageContract):
    @pytest.fixture
    def restart(self, clock: ManualClock) -> Restart:
        return SharedMemory(clock, LEASE).process
