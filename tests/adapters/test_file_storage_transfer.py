"""Copies of directories."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from tests.contracts.storage_suite import Restart
from tests.contracts.transfer_contract import TransferContract
from tests.support.manual_clock import ManualClock


class TestFileStorage(TransferContract):
    @pytest.fixture
    def restart(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "storage", clock)

    @pytest.fixture
    def elsewhere(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "elsewhere", clock)
