"""The storage in a PostgreSQL database."""

from collections.abc import Iterator

import pytest

from adapters.postgresql.storage import PostgresStorage
from entrypoints.testing.gaps_contract import GapsContract
from entrypoints.testing.journal_contract import JournalContract
from entrypoints.testing.leases_contract import LeasesContract
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.message_keys_contract import MessageKeysContract
from entrypoints.testing.rate_limiter_contract import RateLimiterContract
from entrypoints.testing.replicas_contract import ReplicasContract
from entrypoints.testing.storage_suite import Restart
from tests.support.manual_uptime import manual_uptime


class TestPostgresStorage(
    GapsContract, JournalContract, MessageKeysContract, RateLimiterContract, LeasesContract, ReplicasContract
):
    @pytest.fixture
    def restart(self, database_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(database_url, clock):
            yield lambda: PostgresStorage(database_url, clock, lease_seconds=60)
