"""The storage that processes share in tests behaves as those of the pack do."""

import pytest

from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.shared_storage_contract import SharedStorageContract
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.storage_values import LEASE
from tests.support.shared_memory import SharedMemory


class TestSharedMemory(SharedStorageContract):
    @pytest.fixture
    def restart(self, clock: ManualClock) -> Restart:
        return SharedMemory(clock, LEASE).process
