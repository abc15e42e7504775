"""The storage in PostgreSQL while its server or the connection to it fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.errors import StorageUnavailable, TooLate
from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from entrypoints.testing.outbox_contract import waiting
from entrypoints.testing.storage_values import LANE_A, LEASE, A, B, X, action, new_click, new_entry
from tests.support.database_proxy import COMMIT, DatabaseProxy, database_proxy
from tests.support.postgres_server import PASSWORD_GROUP, ServerProcess

STOP_AFTER_SECONDS = 20
FILL_DISK = """
    CREATE FUNCTION flyte_slack.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON flyte_slack.outbox
        FOR EACH STATEMENT EXECUTE FUNCTION flyte_slack.full_disk()
"""
STEP_CLOCK = """
    CREATE OR REPLACE FUNCTION flyte_slack.server_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$SELECT clock_timestamp() + interval '{}'$$
"""


def storage_at(url: str) -> PostgresStorage:
    return PostgresStorage(url, SystemClock(), lease_seconds=20)


@pytest.fixture
async def proxy(tables_url: str) -> AsyncIterator[DatabaseProxy]:
    async with database_proxy(tables_url) as proxy:
        yield proxy


@pytest.fixture
async def behind_proxy(proxy: DatabaseProxy) -> AsyncIterator[PostgresStorage]:
    """A storage whose connections the proxy can cut."""
    async with (storage := storage_at(proxy.url)).open():
        yield storage


@pytest.fixture
async def storage(server_process: ServerProcess) -> AsyncIterator[PostgresStorage]:
    """A storage on a server of its own."""
    async with (storage := storage_at(server_process.url)).open():
        yield storage


async def stored(storage: PostgresStorage, number: int) -> None:
    """Appends an entry as the pack does: until it succeeds."""
    async with asyncio.timeout(STOP_AFTER_SECONDS):
        while True:
            with suppress(StorageUnavailable):
                await storage.outbox.append([new_entry(A, number)])
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", [Reset(), Reset(after_effect=True)])
async def test_what_was_begun_while_the_connection_was_cut_at_the_commit_happens_once(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy, fault: Fault
) -> None:
    proxy.faults.plan(COMMIT, fault)
    assert await behind_proxy.outbox.append([new_entry(A, 1)]) == [True]
    assert await behind_proxy.outbox.append([new_entry(A, 1)]) == [False]
    assert await waiting(behind_proxy) == [new_entry(A, 1)]


@pytest.mark.parametrize("fault", [Reset(), Reset(after_effect=True)])
async def test_a_claim_is_made_once_while_the_connection_is_cut_at_its_commit(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy, fault: Fault
) -> None:
    await behind_proxy.outbox.append([new_entry(A, 1)])
    proxy.faults.plan(COMMIT, fault)
    [claim] = await behind_proxy.outbox.claim(10, 10, LEASE)
    assert not claim.previous_lease_expired
    proxy.faults.plan(COMMIT, fault)
    await behind_proxy.outbox.release(claim)
    proxy.faults.plan("*", fault)
    [claim] = await behind_proxy.outbox.claim(10, 10, LEASE)
    proxy.faults.plan("*", fault)
    await behind_proxy.outbox.ack(claim, claim.entries[0])
    assert (await behind_proxy.outbox.backlog()).waiting == 0


@pytest.mark.parametrize("fault", [Reset(), Reset(after_effect=True)])
async def test_an_action_is_new_once_while_the_connection_is_cut_at_the_commit(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy, fault: Fault
) -> None:
    proxy.faults.plan(COMMIT, fault)
    assert await behind_proxy.journal.record(action(X), lane=LANE_A) is None
    assert await behind_proxy.journal.record(action(X), lane=LANE_A) is not None


async def test_requests_survive_that_all_connections_are_cut(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy
) -> None:
    await asyncio.gather(*(behind_proxy.outbox.append([new_entry(A, number)]) for number in range(20)))
    proxy.cut()
    await asyncio.gather(*(stored(behind_proxy, number) for number in range(20, 40)))
    assert (await behind_proxy.outbox.backlog()).waiting == 40


async def test_slow_queries_are_waited_for(behind_proxy: PostgresStorage, proxy: DatabaseProxy) -> None:
    proxy.faults.plan("*", Slow(2), times=4)
    assert await behind_proxy.outbox.append([new_entry(A, 1)]) == [True]


async def test_an_entry_that_can_not_be_stored_in_time_is_not_stored(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy
) -> None:
    slow = proxy.faults.plan("*", Slow(2), times=None)
    with pytest.raises(TooLate):
        await behind_proxy.outbox.append([new_click(1)], within_seconds=0.5)
    proxy.faults.planned.remove(slow)
    await asyncio.sleep(2.5)  # longer than anything was delayed
    assert await waiting(behind_proxy) == []


async def test_a_commit_that_has_begun_in_time_counts_however_late_its_answer_is(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy
) -> None:
    await behind_proxy.outbox.append([new_click(1)])
    proxy.faults.plan(COMMIT, Slow(1.5, after_effect=True))
    assert await behind_proxy.outbox.append([new_click(2)], within_seconds=1) == [True]


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_nothing_acknowledged_is_lost_when_the_server_restarts(
    storage: PostgresStorage, server_process: ServerProcess, end: str
) -> None:
    appending = [asyncio.create_task(stored(storage, number)) for number in range(50)]
    await asyncio.wait(appending, return_when=asyncio.FIRST_COMPLETED)
    getattr(server_process, end)()
    with pytest.raises(StorageUnavailable, match="can't connect"):
        await storage.outbox.backlog()
    await asyncio.to_thread(server_process.start)
    await asyncio.gather(*appending)
    assert sorted(entry.key for entry in await waiting(storage)) == sorted(new_entry(A, n).key for n in range(50))


async def test_nothing_acknowledged_is_lost_when_a_synchronous_standby_takes_over(
    server_process: ServerProcess,
) -> None:
    with ServerProcess(standby_of=server_process) as standby:
        await asyncio.to_thread(lambda: server_process.configure(synchronous_standby_names="standby"))
        hosts = ",".join(server.url.partition("host=")[2] for server in (server_process, standby))
        url = f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"
        async with (storage := storage_at(url)).open():
            appending = [asyncio.create_task(stored(storage, number)) for number in range(50)]
            await asyncio.wait(appending, return_when=asyncio.FIRST_COMPLETED)
            server_process.kill()
            await asyncio.to_thread(standby.promote)
            await asyncio.gather(*appending)
            found = sorted(entry.key for entry in await waiting(storage))
    assert found == sorted(new_entry(A, number).key for number in range(50))


async def test_a_server_whose_commits_wait_for_a_standby_counts_as_out_of_reach(server_process: ServerProcess) -> None:
    async with storage_at(server_process.url).open():
        pass
    server_process.configure(synchronous_standby_names="nobody")
    with pytest.raises(StorageUnavailable, match="no answer within"):
        async with asyncio.timeout(STOP_AFTER_SECONDS), storage_at(server_process.url).open():
            pass
    server_process.configure(synchronous_standby_names=None)
    async with storage_at(server_process.url).open():
        pass


async def test_a_read_only_server_refuses_requests_until_it_is_writable(
    storage: PostgresStorage, server_process: ServerProcess
) -> None:
    await asyncio.to_thread(server_process.make_read_only)
    await _until_settings_apply(server_process, "on")
    with pytest.raises(StorageUnavailable, match="read-only"):
        await storage.outbox.append([new_entry(A, 1)])
    await asyncio.to_thread(lambda: server_process.configure(default_transaction_read_only=None))
    await stored(storage, 1)
    assert await waiting(storage) == [new_entry(A, 1)]


async def test_what_is_acknowledged_is_on_disk_although_the_server_would_not_wait_for_it(
    server_process: ServerProcess,
) -> None:
    await asyncio.to_thread(lambda: server_process.configure(synchronous_commit="off"))
    async with (storage := storage_at(server_process.url)).open():

        async def setting(session: psycopg.AsyncConnection[tuple[object, ...]]) -> object:
            [(value,)] = await (await session.execute("SHOW synchronous_commit")).fetchall()
            return value

        assert await storage.database.run(setting) == "on"
        assert await storage.database.fetch("SHOW synchronous_commit") == [("on",)]


async def test_a_full_disk_refuses_requests_until_there_is_space(
    behind_proxy: PostgresStorage, tables_url: str
) -> None:
    with psycopg.connect(tables_url, autocommit=True) as connection:
        connection.execute(FILL_DISK)
        with pytest.raises(StorageUnavailable, match="No space left on device"):
            await behind_proxy.outbox.append([new_entry(A, 1)])
        connection.execute("DROP FUNCTION flyte_slack.full_disk CASCADE")
    assert await behind_proxy.outbox.append([new_entry(A, 1)]) == [True]


@pytest.mark.parametrize("step", ["1 day", "-1 day"])
async def test_a_step_of_the_servers_clock_ends_no_lease_and_prolongs_none(
    behind_proxy: PostgresStorage, tables_url: str, step: str
) -> None:
    await behind_proxy.outbox.append([new_entry(A, 1), new_entry(B, 1)])
    [claim] = await behind_proxy.outbox.claim(1, 1, 20)
    [delayed] = await behind_proxy.outbox.claim(1, 1, 20)
    await behind_proxy.outbox.release(delayed, retry_after_seconds=60)
    with psycopg.connect(tables_url, autocommit=True) as connection:
        connection.execute(STEP_CLOCK.format(step).encode())
    for _ in range(2):
        await behind_proxy.heartbeat(20)
        assert await behind_proxy.outbox.claim(10, 10, 20) == []
    due = await behind_proxy.outbox.next_due_seconds()
    assert due
    assert 50 < due < 65  # the server's steps are noticed to within seconds
    await behind_proxy.outbox.release(claim)


async def test_time_goes_on_after_the_servers_clock_was_set_back(
    behind_proxy: PostgresStorage, tables_url: str
) -> None:
    await behind_proxy.outbox.append([new_entry(A, 1)])
    [claim] = await behind_proxy.outbox.claim(1, 1, 20)
    await behind_proxy.outbox.release(claim, retry_after_seconds=0.3)
    with psycopg.connect(tables_url, autocommit=True) as connection:
        connection.execute(STEP_CLOCK.format("-1 day").encode())
    await behind_proxy.heartbeat(20)
    async with asyncio.timeout(STOP_AFTER_SECONDS):
        while True:
            if await behind_proxy.outbox.claim(1, 1, 20):
                return
            await asyncio.sleep(0.05)


async def test_a_process_that_was_stopped_within_a_transaction_keeps_no_lock(
    behind_proxy: PostgresStorage, proxy: DatabaseProxy, tables_url: str
) -> None:
    await behind_proxy.outbox.append([new_entry(A, 1)])
    stopped = proxy.faults.plan(COMMIT, Hang(), times=None)
    appending = asyncio.create_task(behind_proxy.outbox.append([new_entry(A, 2)]))
    async with (other := storage_at(tables_url)).open(), asyncio.timeout(STOP_AFTER_SECONDS):
        await other.outbox.append([new_entry(A, 3)])
        proxy.faults.planned.remove(stopped)
        proxy.cut()
        assert await appending == [True]
        assert await waiting(other) == [new_entry(A, number) for number in (1, 3, 2)]


async def test_no_error_tells_the_password(server_process: ServerProcess) -> None:
    with psycopg.connect(server_process.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE pack LOGIN SUPERUSER PASSWORD 'hush' IN ROLE {PASSWORD_GROUP}".encode())
    async with (storage := storage_at(server_process.url.replace("postgres@", "pack:hush@"))).open():
        await asyncio.to_thread(server_process.stop)
        with pytest.raises(StorageUnavailable) as raised:
            await storage.outbox.backlog()
    assert "hush" not in f"{raised.value!r} {raised.value.__cause__!r} {storage.describe()}"


async def _until_settings_apply(server: ServerProcess, value: str) -> None:
    """Waits until the server has read its settings again."""
    async with asyncio.timeout(STOP_AFTER_SECONDS):
        while True:
            async with await psycopg.AsyncConnection.connect(server.url) as connection:
                row = await (await connection.execute("SHOW default_transaction_read_only")).fetchone()
            if row == (value,):
                return
