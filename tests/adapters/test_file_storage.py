"""The storage in a directory."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from tests.contracts.storage_contract import StorageContract
from tests.contracts.storage_suite import Restart
from tests.support.manual_clock import ManualClock


class TestFileStorage(StorageContract):
    @pytest.fixture
    def restart(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "storage", clock)
