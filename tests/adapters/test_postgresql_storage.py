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
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=60)


class TestSharedPostgresStorage(SharedStorageContract):
    @pytest.fixture
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=60)
