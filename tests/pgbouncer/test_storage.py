"""The storage in PostgreSQL behind PgBouncer."""

import asyncio
from collections.abc import Iterator

import pytest

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from application.ports.storage import Topic
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.outbox_contract import waiting
from entrypoints.testing.shared_storage_contract import SharedStorageContract
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.storage_values import A, new_entry
from tests.pgbouncer.bouncer import Bouncer, bouncer
from tests.support.manual_uptime import manual_uptime

SOON = 2.0


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[Bouncer]:
    """PgBouncer in front of the server that all tests share."""
    with bouncer(postgres_server) as running:
        yield running


@pytest.fixture
def url(pooler: Bouncer, tables_url: str) -> str:
    """The URL of a database with tables, through PgBouncer."""
    return pooler.url_of(tables_url)


def storage_at(url: str) -> PostgresStorage:
    return PostgresStorage(url, SystemClock(), lease_seconds=20)


class TestSharedStorageBehindPgBouncer(SharedStorageContract):
    @pytest.fixture
    def restart(self, url: str, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(url, clock, lease_seconds=60)


async def test_statements_that_are_repeated_find_no_connection_on_which_they_were_prepared(url: str) -> None:
    async with (one := storage_at(url)).open(), (other := storage_at(url)).open():
        for first in range(0, 100, 10):
            entries = [new_entry(A, first + number) for number in range(10)]
            appending = (storage.outbox.append([entry]) for storage in (one, other) for entry in entries)
            assert sorted(await asyncio.gather(*appending)) == [[False]] * 10 + [[True]] * 10
            await asyncio.gather(one.heartbeat(20), other.heartbeat(20))
        assert len(await waiting(one)) == 100


async def test_the_packs_settings_apply_to_each_transaction(url: str) -> None:
    async with (storage := storage_at(url)).open():
        timeout = "SELECT current_setting('idle_in_transaction_session_timeout')"
        assert await storage.database.fetch(timeout) == [("5s",)]


async def test_work_of_others_is_looked_for_since_nothing_tells_of_it(url: str) -> None:
    other = storage_at(url)
    woken = {topic: asyncio.Event() for topic in Topic}
    for topic, event in woken.items():
        other.subscribe(topic, event.set)
    async with storage_at(url).open(), other.open():
        await other.heartbeat(20)
        for event in woken.values():
            await asyncio.wait_for(event.wait(), SOON)


async def test_a_pack_that_is_alone_is_not_woken(url: str) -> None:
    storage = storage_at(url)
    woken = asyncio.Event()
    storage.subscribe(Topic.OUTBOX, woken.set)
    async with storage.open():
        await storage.heartbeat(20)
        woken.clear()
        await asyncio.sleep(1.5)
        assert not woken.is_set()
