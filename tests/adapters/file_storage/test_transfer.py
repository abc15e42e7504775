"""Copies of directories."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.transfer_contract import TransferContract


class TestFileStorage(TransferContract):
    @pytest.fixture
    def restart(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "storage", clock)

    @pytest.fixture
    def elsewhere(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "elsewhere", clock)

    @pytest.fixture
    def nowhere(self, tmp_path: Path, clock: ManualClock) -> Restart:
        return lambda: FileStorage(tmp_path / "nowhere", clock)
