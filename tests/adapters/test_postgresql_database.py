"""Requests to a PostgreSQL database."""

import asyncio

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock

_MORE_THAN_CONNECTIONS = 30


async def test_requests_end_when_they_are_cancelled_also_those_that_wait_for_a_connection(database_url: str) -> None:
    storage = PostgresStorage(database_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        for waited in range(20):
            requests = [asyncio.create_task(storage.heartbeat(60)) for _ in range(_MORE_THAN_CONNECTIONS)]
            for _ in range(10 * waited):
                await asyncio.sleep(0)
            is_cancelled = [request.cancel() for request in requests]
            await asyncio.wait(requests)
            assert [request.cancelled() for request in requests] == is_cancelled
