"""The storage in a directory."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_contract import StorageContract
from entrypoints.testing.storage_suite import Restart


class TestFileStorage(StorageContract):
    @pytest.fixture
    def restart(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "storage", clock)
