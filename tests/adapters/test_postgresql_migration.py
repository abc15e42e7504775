"""The tables in PostgreSQL: made once, brought up to date, and refused if they are too new."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.postgresql.migration import Migration, known_migrations
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.errors import StorageUnusable
from entrypoints.testing.outbox_contract import waiting
from entrypoints.testing.storage_values import A, new_entry

NEWEST = known_migrations()[-1].version
NEXT = Migration(NEWEST + 1, "ALTER TABLE flyte_slack.outbox ADD COLUMN colour text NOT NULL DEFAULT 'blue'")


def storage_at(url: str, *more: Migration, attached: bool = False) -> PostgresStorage:
    migrations = [*known_migrations(), *more]
    return PostgresStorage(url, SystemClock(), lease_seconds=20, attached=attached, migrations=migrations)


@pytest.fixture
def restricted_url(postgres_server: str, database_url: str) -> Iterator[str]:
    """The URL of the database for a role that may create nothing."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE ROLE restricted LOGIN")
    yield urlsplit(database_url)._replace(netloc="restricted@").geturl()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY restricted")
        connection.execute("DROP ROLE restricted")


async def opened(storage: PostgresStorage) -> None:
    async with storage.open():
        pass


async def test_replicas_that_start_at_once_make_the_tables_once(database_url: str) -> None:
    await asyncio.gather(*(opened(storage_at(database_url)) for _ in range(5)))
    with psycopg.connect(database_url) as connection:
        versions = connection.execute("SELECT version FROM flyte_slack.migrations ORDER BY version").fetchall()
    assert versions == [(version,) for version in range(1, NEWEST + 1)]


async def test_a_newer_replica_brings_the_tables_up_to_date_while_an_older_one_runs(database_url: str) -> None:
    async with (older := storage_at(database_url)).open():
        await older.outbox.append([new_entry(A, 1)])
        async with (newer := storage_at(database_url, NEXT)).open():
            await newer.outbox.append([new_entry(A, 2)])
            await older.outbox.append([new_entry(A, 3)])
            assert await waiting(older) == await waiting(newer) == [new_entry(A, number) for number in (1, 2, 3)]


@pytest.mark.parametrize("attached", [False, True])
async def test_tables_that_are_too_new_are_refused_naming_both_versions(database_url: str, *, attached: bool) -> None:
    await opened(storage_at(database_url, NEXT))
    with pytest.raises(StorageUnusable, match=f"of version {NEXT.version}, this program knows {NEWEST}"):
        await opened(storage_at(database_url, attached=attached))


async def test_a_command_changes_no_tables(database_url: str) -> None:
    with pytest.raises(StorageUnusable, match="no tables of a pack"):
        await opened(storage_at(database_url, attached=True))
    await opened(storage_at(database_url))
    with pytest.raises(StorageUnusable, match=f"of version {NEWEST}, and this program needs version {NEXT.version}"):
        await opened(storage_at(database_url, NEXT, attached=True))


async def test_a_role_without_rights_can_not_make_the_tables_and_is_told_what_it_needs(restricted_url: str) -> None:
    with pytest.raises(StorageUnusable, match=r"restricted may not create .* CREATE on the database"):
        await opened(storage_at(restricted_url))


async def test_a_role_that_may_create_nothing_runs_on_tables_that_are_up_to_date(
    database_url: str, restricted_url: str
) -> None:
    await opened(storage_at(database_url))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA flyte_slack TO restricted")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA flyte_slack TO restricted")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA flyte_slack TO restricted")
    async with (storage := storage_at(restricted_url)).open():
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]
        [claim] = await storage.outbox.claim(1, 1, 20)
        await storage.outbox.ack(claim, claim.entries[0])
    with pytest.raises(StorageUnusable, match="restricted may not create or change"):
        await opened(storage_at(restricted_url, NEXT))


async def test_a_database_that_can_not_hold_every_text_is_refused(postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StorageUnusable, match="encoding LATIN1; create one with ENCODING 'UTF8'"):
            await opened(storage_at(urlsplit(postgres_server)._replace(path="/latin").geturl()))
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute("DROP DATABASE latin WITH (FORCE)")
