"""Requests to a PostgreSQL database."""

import asyncio

import psycopg

from adapters.postgresql.session import Session
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from entrypoints.testing.outbox_contract import waiting
from entrypoints.testing.storage_values import A, new_entry

_MORE_THAN_CONNECTIONS = 30


async def test_requests_end_when_they_are_cancelled_also_those_that_wait_for_a_connection(tables_url: str) -> None:
    storage = PostgresStorage(tables_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        for waited in range(20):
            requests = [asyncio.create_task(storage.heartbeat(60)) for _ in range(_MORE_THAN_CONNECTIONS)]
            for _ in range(10 * waited):
                await asyncio.sleep(0)
            is_cancelled = [request.cancel() for request in requests]
            await asyncio.wait(requests)
            assert [request.cancelled() for request in requests] == is_cancelled


async def test_a_process_that_is_stopped_within_a_transaction_is_idle_to_the_server_which_then_ends_it(
    tables_url: str,
) -> None:
    async def state_between_statements(session: Session) -> tuple[str, str]:
        await session.fetch("SELECT true FROM flyte_slack.storage FOR UPDATE")
        async with await psycopg.AsyncConnection.connect(tables_url) as onlooker:
            states = await onlooker.execute(
                "SELECT state FROM pg_stat_activity WHERE pid = %s", (session.info.backend_pid,)
            )
            [(state,)] = await states.fetchall()
        [(timeout,)] = await session.fetch("SELECT current_setting('idle_in_transaction_session_timeout')")
        return state, timeout

    storage = PostgresStorage(tables_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        assert await storage.database.run(state_between_statements) == ("idle in transaction", "5s")


async def test_a_connection_that_the_tables_do_not_know_any_more_is_replaced(tables_url: str) -> None:
    storage = PostgresStorage(tables_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]
        async with await psycopg.AsyncConnection.connect(tables_url) as onlooker:
            await onlooker.execute("DELETE FROM flyte_slack.transactions")
        assert await storage.outbox.append([new_entry(A, 2)]) == [True]
        assert await waiting(storage) == [new_entry(A, 1), new_entry(A, 2)]
