"""The storage in a PostgreSQL database."""

from collections.abc import Iterator

import pytest

from adapters.postgresql.storage import PostgresStorage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.shared_storage_contract import SharedStorageContract
from entrypoints.testing.storage_contract import StorageContract
from entrypoints.testing.storage_suite import Restart
from tests.support.manual_uptime import manual_uptime


class TestPostgresStorage(StorageContract):
    @pytest.fixture
    def restart(self, reused_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(reused_url, clock):
            yield lambda: PostgresStorage(reused_url, clock, lease_seconds=60)


class TestSharedPostgresStorage(SharedStorageContract):
    @pytest.fixture
    def restart(self, reused_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(reused_url, clock):
            yield lambda: PostgresStorage(reused_url, clock, lease_seconds=60)
