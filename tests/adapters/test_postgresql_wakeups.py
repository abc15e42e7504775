"""Wake-ups among the replicas on a PostgreSQL database."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from application.ports.storage import Topic
from entrypoints.testing.storage_values import LANE_A, A, held, new_entry

SOON = 5.0


class Hints:
    """What a replica was told."""

    def __init__(self, storage: PostgresStorage) -> None:
        self.events = {topic: asyncio.Event() for topic in Topic}
        for topic in Topic:
            storage.subscribe(topic, self.events[topic].set)

    async def started(self) -> None:
        """Waits until the replica listens, of which it tells by waking everybody."""
        for event in self.events.values():
            await asyncio.wait_for(event.wait(), SOON)
            event.clear()


@pytest.fixture
async def storage(tables_url: str) -> AsyncIterator[PostgresStorage]:
    async with (storage := PostgresStorage(tables_url, SystemClock(), lease_seconds=20)).open():
        yield storage


@pytest.fixture
async def hints(tables_url: str, storage: PostgresStorage) -> AsyncIterator[Hints]:
    """What another replica is told."""
    del storage
    other = PostgresStorage(tables_url, SystemClock(), lease_seconds=20)
    hints = Hints(other)
    async with other.open():
        await hints.started()
        yield hints


async def test_a_new_entry_wakes_the_other_replicas(storage: PostgresStorage, hints: Hints) -> None:
    await storage.outbox.append([new_entry(A, 1)])
    await asyncio.wait_for(hints.events[Topic.OUTBOX].wait(), SOON)
    assert not hints.events[Topic.LANES].is_set()


async def test_a_released_lane_wakes_the_other_replicas(storage: PostgresStorage, hints: Hints) -> None:
    await storage.leases.release(await held(storage, LANE_A))
    await asyncio.wait_for(hints.events[Topic.LANES].wait(), SOON)


async def test_the_end_of_a_replica_wakes_the_others(tables_url: str, hints: Hints) -> None:
    async with PostgresStorage(tables_url, SystemClock(), lease_seconds=20).open():
        pass
    for topic in Topic:
        await asyncio.wait_for(hints.events[topic].wait(), SOON)


async def test_a_replica_wakes_itself_once(tables_url: str, storage: PostgresStorage, hints: Hints) -> None:
    own = PostgresStorage(tables_url, SystemClock(), lease_seconds=20)
    own_hints = Hints(own)
    async with own.open():
        await own_hints.started()
        await own.outbox.append([new_entry(A, 1)])
        assert own_hints.events[Topic.OUTBOX].is_set()
        own_hints.events[Topic.OUTBOX].clear()
        await asyncio.wait_for(hints.events[Topic.OUTBOX].wait(), SOON)
        await storage.leases.release(await held(storage, LANE_A))
        await asyncio.wait_for(own_hints.events[Topic.LANES].wait(), SOON)  # later than its own
        assert not own_hints.events[Topic.OUTBOX].is_set()


async def test_a_replica_wakes_itself_after_a_repeat_which_may_have_kept_others_from_claiming_the_lane(
    tables_url: str, storage: PostgresStorage, hints: Hints
) -> None:
    own = PostgresStorage(tables_url, SystemClock(), lease_seconds=20)
    own_hints = Hints(own)
    async with own.open():
        await own_hints.started()
        await storage.outbox.append([new_entry(A, 1)])
        for each in (hints, own_hints):
            await asyncio.wait_for(each.events[Topic.OUTBOX].wait(), SOON)
            each.events[Topic.OUTBOX].clear()
        assert await own.outbox.append([new_entry(A, 1)]) == [False]
        assert own_hints.events[Topic.OUTBOX].is_set()
        await storage.leases.release(await held(storage, LANE_A))
        await asyncio.wait_for(hints.events[Topic.LANES].wait(), SOON)
        assert not hints.events[Topic.OUTBOX].is_set()


async def test_a_replica_that_lost_its_connection_listens_again(
    tables_url: str, storage: PostgresStorage, hints: Hints
) -> None:
    async with await psycopg.AsyncConnection.connect(tables_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await hints.started()
    await storage.outbox.append([new_entry(A, 1)])
    await asyncio.wait_for(hints.events[Topic.OUTBOX].wait(), SOON)


async def test_replicas_are_told_once_of_many_entries(tables_url: str, storage: PostgresStorage) -> None:
    async with await psycopg.AsyncConnection.connect(tables_url, autocommit=True) as connection:
        await connection.execute("LISTEN flyte_slack")
        await asyncio.gather(*(storage.outbox.append([new_entry(A, number)]) for number in range(50)))
        received = [notification async for notification in connection.notifies(timeout=0.5)]
    assert 1 <= len(received) <= 25


async def test_a_replica_that_is_alone_tells_nobody(tables_url: str, storage: PostgresStorage) -> None:
    await storage.heartbeat(20)
    async with await psycopg.AsyncConnection.connect(tables_url, autocommit=True) as connection:
        await connection.execute("LISTEN flyte_slack")
        await storage.outbox.append([new_entry(A, 1)])
        assert [notification async for notification in connection.notifies(timeout=0.2)] == []
