"""What can be seen of a database without changing it."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.postgresql.diagnostics import LiveReplica, Standbys, inspect
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from application.ports.replicas import Replica
from domain.errors import StorageError
from tests.support.postgres_server import ServerProcess

VERSION = 2


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[PostgresStorage]:
    """An open storage in the database."""
    storage = PostgresStorage(database_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        yield storage


@pytest.fixture
def other_user(database_url: str) -> Iterator[str]:
    """The URL of the database for a user without any rights."""
    name = f"user_{urlsplit(database_url).path[1:]}"
    execute(database_url, f"CREATE ROLE {name} LOGIN")
    yield f"{database_url}&user={name}" if "?" in database_url else f"{database_url}?user={name}"
    execute(database_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def test_an_empty_database_has_no_tables_and_stays_empty(database_url: str) -> None:
    for _ in range(2):
        state = await inspect(database_url)
        assert (state.tables_version, state.may_create, state.missing_rights, state.replicas) == (0, True, (), ())


@pytest.mark.usefixtures("storage")
async def test_the_version_of_the_tables_and_of_the_server_are_told(database_url: str) -> None:
    state = await inspect(database_url)
    assert state.tables_version == state.known_version
    assert int(state.server_version.partition(".")[0]) >= 13


async def test_the_replicas_that_have_announced_themselves_are_told(
    database_url: str, storage: PostgresStorage
) -> None:
    assert (await inspect(database_url)).replicas == ()
    await storage.replicas.announce(Replica("host-1", "2.0"))
    assert (await inspect(database_url)).replicas == (LiveReplica("host-1", "2.0"),)


async def test_a_user_who_may_not_create_tables_is_told(other_user: str) -> None:
    state = await inspect(other_user)
    assert not state.may_create
    assert state.user.startswith("user_")


@pytest.mark.usefixtures("storage")
async def test_each_right_that_a_user_lacks_is_told(database_url: str, other_user: str) -> None:
    state = await inspect(other_user)
    assert state.tables_version is None
    assert "USAGE on schema flyte_slack" in state.missing_rights
    execute(
        database_url,
        f"GRANT USAGE ON SCHEMA flyte_slack TO {state.user}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA flyte_slack TO {state.user}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA flyte_slack TO {state.user}",
        f"REVOKE DELETE ON flyte_slack.journal FROM {state.user}",
    )
    state = await inspect(other_user)
    assert (state.tables_version, state.missing_rights) == (VERSION, ("DELETE on flyte_slack.journal",))
    assert not state.may_create


async def test_a_pack_runs_with_the_rights_that_are_asked_for(database_url: str, other_user: str) -> None:
    async with PostgresStorage(database_url, SystemClock(), lease_seconds=60).open():
        pass
    rights = [right.replace(" on ", " ON ") for right in (await inspect(other_user)).missing_rights]
    name = (await inspect(other_user)).user
    execute(database_url, *[f"GRANT {right} TO {name}" for right in rights])
    assert (await inspect(other_user)).missing_rights == ()
    async with PostgresStorage(other_user, SystemClock(), lease_seconds=60).open():
        assert (await inspect(other_user)).tables_version == VERSION


async def test_a_database_that_refuses_writes_is_told(database_url: str) -> None:
    assert not (await inspect(database_url)).is_read_only
    execute(database_url, f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET default_transaction_read_only = on")
    assert (await inspect(database_url)).is_read_only


async def test_a_setting_that_loses_acknowledged_data_is_told_as_the_server_has_it(database_url: str) -> None:
    execute(database_url, f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET synchronous_commit = off")
    assert (await inspect(database_url)).synchronous_commit == "off"


async def test_a_server_without_a_pooler_wakes_packs_up(database_url: str) -> None:
    assert (await inspect(database_url)).listens


async def test_a_database_that_is_not_there_is_an_error(database_url: str) -> None:
    missing = urlsplit(database_url)._replace(path="/missing").geturl()
    with pytest.raises(StorageError, match="missing"):
        await inspect(missing)


async def test_the_standbys_of_a_server_are_told_with_what_a_failover_loses() -> None:
    with ServerProcess() as primary:
        assert (await inspect(primary.url)).standbys is Standbys.NONE
        with ServerProcess(standby_of=primary) as standby:
            state = await inspect(primary.url)
            assert (state.standbys, state.synchronous_standbys) == (Standbys.ASYNCHRONOUS, 0)
            assert (await inspect(standby.url)).is_read_only
            primary.configure(synchronous_standby_names="standby")
            primary.wait_for_standby("sync")
            state = await inspect(primary.url)
            assert (state.standbys, state.synchronous_standbys) == (Standbys.SYNCHRONOUS, 1)
            primary.configure(synchronous_commit="local")
            assert (await inspect(primary.url)).standbys is Standbys.ASYNCHRONOUS
