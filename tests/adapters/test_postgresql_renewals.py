"""Heartbeats and renewals of leases while the database is busy, slow or away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.postgresql.session import Session
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.errors import StorageUnavailable
from entrypoints.simulation.faults import Reset
from entrypoints.testing.storage_values import A, new_entry
from tests.support.database_proxy import database_proxy
from tests.support.postgres_server import ServerProcess

AT_ONCE = 1.0
MORE_THAN_CONNECTIONS = 30


def storage_at(url: str) -> PostgresStorage:
    return PostgresStorage(url, SystemClock(), lease_seconds=20)


@asynccontextmanager
async def burst(storage: PostgresStorage) -> AsyncIterator[None]:
    """More requests than there are connections, none of which ends."""

    async def hold(session: Session) -> None:
        del session
        await asyncio.Event().wait()

    requests = [asyncio.create_task(storage.database.run(hold)) for _ in range(MORE_THAN_CONNECTIONS)]
    await asyncio.sleep(0.2)  # until they have the connections
    try:
        yield
    finally:
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)


async def test_a_heartbeat_waits_for_no_burst(tables_url: str) -> None:
    async with (storage := storage_at(tables_url)).open(), burst(storage):
        for _ in range(2):
            await asyncio.wait_for(storage.heartbeat(20), AT_ONCE)


async def test_the_renewal_of_a_claim_waits_for_no_burst(tables_url: str) -> None:
    async with (storage := storage_at(tables_url)).open():
        await storage.outbox.append([new_entry(A, 1)])
        [claim] = await storage.outbox.claim(1, 1, 20)
        async with burst(storage):
            await asyncio.wait_for(storage.outbox.renew_lease(claim, 20), AT_ONCE)


async def test_a_heartbeat_tells_at_once_that_the_server_is_away_and_that_it_is_back(
    server_process: ServerProcess,
) -> None:
    async with (storage := storage_at(server_process.url)).open():
        await storage.heartbeat(20)
        server_process.kill()
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="can't connect"):
                await asyncio.wait_for(storage.heartbeat(20), AT_ONCE)
        await asyncio.to_thread(server_process.start)
        await asyncio.wait_for(storage.heartbeat(20), AT_ONCE)


async def test_a_heartbeat_is_given_up_while_the_server_does_not_answer(server_process: ServerProcess) -> None:
    async with (storage := storage_at(server_process.url)).open():
        await storage.heartbeat(20)
        server_process.freeze()
        with pytest.raises(StorageUnavailable, match="no answer within 3 s"):
            await asyncio.wait_for(storage.heartbeat(20), 3 + AT_ONCE)
        server_process.thaw()
        await asyncio.wait_for(storage.heartbeat(20), AT_ONCE)


async def test_a_heartbeat_survives_that_its_connection_is_cut(tables_url: str) -> None:
    async with database_proxy(tables_url) as proxy, (storage := storage_at(proxy.url)).open():
        await storage.heartbeat(20)
        proxy.faults.plan("*", Reset(after_effect=True))
        await storage.heartbeat(20)
