import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from tests.support.database_proxy import COMMIT, DatabaseProxy, database_proxy


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[DatabaseProxy]:
    """A proxy in front of a database with a table."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("CREATE TABLE t (x int)")
    async with database_proxy(database_url) as proxy:
        yield proxy


async def insert(proxy: DatabaseProxy) -> None:
    async with await psycopg.AsyncConnection.connect(proxy.url) as connection:
        await connection.execute("INSERT INTO t VALUES (1)")


async def count(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT count(*) FROM t")).fetchone()
        assert row
        return int(row[0])


async def test_everything_passes_through_without_faults(proxy: DatabaseProxy, database_url: str) -> None:
    await insert(proxy)

    assert await count(proxy.url) == await count(database_url) == 1


@pytest.mark.parametrize(("after_effect", "rows"), [(False, 0), (True, 1)])
async def test_a_connection_is_cut_before_a_commit_or_before_its_answer(
    proxy: DatabaseProxy, database_url: str, *, after_effect: bool, rows: int
) -> None:
    proxy.faults.plan(COMMIT, Reset(after_effect))

    with pytest.raises(psycopg.OperationalError):
        await insert(proxy)

    assert await count(database_url) == rows


async def test_all_connections_can_be_cut_and_new_ones_work(proxy: DatabaseProxy) -> None:
    async with await psycopg.AsyncConnection.connect(proxy.url) as connection:
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")

    assert await count(proxy.url) == 0


@pytest.mark.parametrize("after_effect", [False, True])
async def test_queries_are_delayed(proxy: DatabaseProxy, *, after_effect: bool) -> None:
    proxy.faults.plan(COMMIT, Slow(0.2, after_effect))
    began = asyncio.get_running_loop().time()

    await insert(proxy)

    assert asyncio.get_running_loop().time() - began >= 0.2


@pytest.mark.parametrize("fault", [Hang(), Hang(after_effect=True)])
async def test_a_silent_connection_is_broken_when_the_proxy_closes(database_url: str, fault: Fault) -> None:
    async with database_proxy(database_url) as proxy:
        connection = await psycopg.AsyncConnection.connect(proxy.url)
        proxy.faults.plan("*", fault)
        waiting = asyncio.create_task(connection.execute("SELECT 1"))
        done, _ = await asyncio.wait({waiting}, timeout=0.1)
        assert not done

    with pytest.raises(psycopg.OperationalError):
        await waiting
    await connection.close()
