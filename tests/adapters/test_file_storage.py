"""The storage in a directory."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from tests.contracts.storage_contract import StorageContract
from tests.contracts.storage_suite import Restart


class TestFileStorage(StorageContract):
    @pytest.fixture
    def restart(self, tmp_path: Path) -> Restart:
        return lambda: FileStorage(tmp_path / "storage")
