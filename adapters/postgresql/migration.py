"""The tables in the schema flyte_slack, brought up to date by numbered SQL files."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import structlog
from psycopg import errors

from adapters.postgresql.session import Session
from domain.errors import StorageUnusable

log = structlog.get_logger()

_LOCK: Final = 0x666C797465  # "flyte"
_OLDEST_SERVER: Final = 13


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from the version before it."""

    version: int
    statements: str


def known_migrations() -> list[Migration]:
    """Returns the migrations that this program knows, in order; the first has version 1, and none is left out."""
    scripts = sorted((files("adapters.postgresql") / "migrations").iterdir(), key=lambda script: script.name)
    return [Migration(int(script.name.partition("_")[0]), script.read_text("utf-8")) for script in scripts]


async def migrate(session: Session, migrations: list[Migration]) -> None:
    """Brings the tables up to date; other processes wait meanwhile. Raises StorageUnusable and psycopg.Error.

    Needs no right to create anything if they are up to date.
    """
    await _check_server(session)
    try:
        if await version_of(session) != migrations[-1].version:
            async with session.transaction():
                await session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                await _apply(session, migrations)
    except errors.InsufficientPrivilege as error:
        raise StorageUnusable(
            f"user {session.info.user} may not create or change the tables in schema flyte_slack of database "
            f"{session.info.dbname} ({error.diag.message_primary}); run `flyte-slack storage "
            "migrate` as the user that owns the schema, or grant this one CREATE on the database"
        ) from error


async def check_version(session: Session, version: int) -> None:
    """Raises StorageUnusable unless the tables have this version; also psycopg.Error."""
    await _check_server(session)
    found = await require_tables(session)
    _check_not_newer(session, found, version)
    if found < version:
        raise StorageUnusable(
            f"the tables in database {session.info.dbname} are of version {found}, and this program needs version "
            f"{version}; run `flyte-slack storage migrate`, or start a pack of this program's version"
        )


async def require_tables(session: Session) -> int:
    """Returns their version. Raises StorageUnusable if there are none; also psycopg.Error."""
    found = await version_of(session)
    if not found:
        raise StorageUnusable(f"database {session.info.dbname} has no tables of a pack: none has run there yet")
    return found


async def _check_server(session: Session) -> None:
    if session.info.server_version < _OLDEST_SERVER * 10_000:
        raise StorageUnusable(
            f"the server is PostgreSQL {session.info.server_version // 10_000}; use {_OLDEST_SERVER} or later"
        )
    [(encoding,)] = await session.fetch("SHOW server_encoding")
    if encoding != "UTF8":
        raise StorageUnusable(
            f"database {session.info.dbname} has the encoding {encoding}; create one with ENCODING 'UTF8'"
        )


def _check_not_newer(session: Session, found: int, known: int) -> None:
    if found > known:
        raise StorageUnusable(
            f"the tables in database {session.info.dbname} were made by a newer version of this program (they are of "
            f"version {found}, this program knows {known}); run that version"
        )


async def version_of(session: Session) -> int:
    """Returns 0 if there are no tables yet."""
    [(is_there,)] = await session.fetch(
        # to_regclass would not notice what others have created since this transaction began
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'migrations' "
        "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'flyte_slack'))"
    )
    if not is_there:
        return 0
    [(version,)] = await session.fetch("SELECT coalesce(max(version), 0) FROM flyte_slack.migrations")
    return int(version)


async def _apply(session: Session, migrations: list[Migration]) -> None:
    version, newest = await version_of(session), migrations[-1].version
    _check_not_newer(session, version, newest)
    if not version:
        await _create_schema(session)
    for migration in migrations[version:]:
        await session.execute(migration.statements.encode())
        await session.execute("INSERT INTO flyte_slack.migrations (version) VALUES (%s)", (migration.version,))
    if 0 < version < newest:
        log.info("storage_upgraded", from_version=version, to_version=newest)


async def _create_schema(session: Session) -> None:
    [(exists,)] = await session.fetch("SELECT to_regnamespace('flyte_slack') IS NOT NULL")
    if not exists:
        await session.execute("CREATE SCHEMA flyte_slack")
    await session.execute(
        "CREATE TABLE flyte_slack.migrations "
        "(version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
