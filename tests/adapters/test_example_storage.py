"""The storage of another distribution, found by its entry point, passes the published contract."""

import sys

import pytest

from adapters.storage_urls import create_storage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_contract import StorageContract
from entrypoints.testing.storage_suite import Restart
from tests.support.distributions import EXAMPLE_DISTRIBUTION


class TestExampleStorage(StorageContract):
    @pytest.fixture
    def restart(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Restart:
        monkeypatch.syspath_prepend(EXAMPLE_DISTRIBUTION)
        monkeypatch.delitem(sys.modules, "example_storage", raising=False)
        return lambda: create_storage("example://contract", clock)
