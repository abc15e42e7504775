"""The tables in a PostgreSQL database, made and changed while packs start."""

import asyncio

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock


async def start(url: str) -> None:
    async with PostgresStorage(url, SystemClock(), lease_seconds=20.0).open():
        pass


async def test_packs_that_start_at_once_on_an_empty_database_make_its_tables_once(database_url: str) -> None:
    await asyncio.gather(*(start(database_url) for _ in range(6)))
