"""Copies of databases."""

from collections.abc import Iterator

import pytest

from adapters.postgresql.storage import PostgresStorage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.transfer_contract import TransferContract
from tests.support.manual_uptime import manual_uptime
from tests.support.postgres_server import fresh_database


class TestPostgresStorage(TransferContract):
    @pytest.fixture
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=60)

    @pytest.fixture
    def elsewhere(self, postgres_server: str, tables_template: str, clock: ManualClock) -> Iterator[Restart]:
        with fresh_database(postgres_server, tables_template) as url, manual_uptime(url, clock):
            yield lambda: PostgresStorage(url, clock, lease_seconds=60)

    @pytest.fixture
    def nowhere(self, postgres_server: str, clock: ManualClock) -> Iterator[Restart]:
        with fresh_database(postgres_server) as url:
            yield lambda: PostgresStorage(url, clock, lease_seconds=60)
