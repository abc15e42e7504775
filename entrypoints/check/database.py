"""Checks a PostgreSQL database: whether packs can store their data there, and what is lost if the server is."""

import asyncio
from collections.abc import Iterator
from typing import Final

from adapters.postgresql.diagnostics import DatabaseState, Standbys, inspect
from domain.errors import StorageError, StorageUnavailable
from entrypoints.check.findings import Finding, advice, all_skipped, failed, ok, problem, warning
from entrypoints.check.storage_place import DATABASE, StoragePlace

TABLES: Final = "database tables"
DURABILITY: Final = "database durability"
WAKE_UPS: Final = "wake-ups"
REPLICAS: Final = "replicas"

_SHOWN: Final = 3
_START_SERVER: Final = "start the server, and let this machine reach it; a pack waits for it meanwhile"
_DURABILITY: Final = {
    Standbys.NONE: "acknowledged data is on the server's disk; there is no standby",
    Standbys.SYNCHRONOUS: "acknowledged data is on the server's disk and on a synchronous standby",
}


async def look_at_database(url: str, seconds: float) -> StoragePlace:
    """Returns what is known of the database, as far as it answers within this time."""
    try:
        async with asyncio.timeout(seconds):
            state = await inspect(url)
    except StorageError as error:
        return StoragePlace(findings=tuple(_unusable(error)))
    except TimeoutError:
        return StoragePlace(findings=tuple(_unusable(StorageUnavailable(f"no answer within {seconds:g} s"))))
    return StoragePlace(state.joined, bool(state.replicas), owner=state.owner, findings=tuple(_assess(state)))


def _unusable(error: StorageError) -> Iterator[Finding]:
    can_wait = isinstance(error, StorageUnavailable)
    yield failed(DATABASE, problem(error), advice(error) or _START_SERVER, ends_start=not can_wait)
    yield from all_skipped((TABLES, DURABILITY, WAKE_UPS, REPLICAS), "the database can't be used")


def _assess(state: DatabaseState) -> Iterator[Finding]:
    yield _assess_server(state)
    yield _assess_tables(state)
    yield _assess_durability(state)
    means = "LISTEN and NOTIFY" if state.listens else "polling, since a pooler passes no notifications"
    yield ok(WAKE_UPS, f"packs learn of one another's work by {means}")
    names = ", ".join(f"{replica.name} ({replica.version})" for replica in state.replicas)
    yield ok(REPLICAS, f"{len(state.replicas)} alive: {names}" if names else "no pack is using the database")


def _assess_server(state: DatabaseState) -> Finding:
    message = f"PostgreSQL {state.server_version}, {state.location}, as user {state.user}"
    if state.is_read_only:
        remedy = (
            "connect to the primary: name all servers in FLYTE_SLACK_STORAGE, and add target_session_attrs=read-write"
        )
        return failed(DATABASE, f"{message}: it refuses writes", remedy)
    return ok(DATABASE, message)


def _assess_tables(state: DatabaseState) -> Finding:
    if state.stopped_by:
        return failed(TABLES, problem(state.stopped_by), advice(state.stopped_by), ends_start=True)
    if state.missing_rights:
        shown = ", ".join(state.missing_rights[:_SHOWN]) + (", ..." if len(state.missing_rights) > _SHOWN else "")
        remedy = f"GRANT the rights to {state.user}, as docs/replicas.md shows"
        return failed(TABLES, f"user {state.user} lacks rights: {shown}", remedy)
    version = state.tables_version or 0
    if version > state.known_version:
        message = (
            f"made by a newer version of this program (they are of {version}, this one knows {state.known_version})"
        )
        remedy = "run that version, or set FLYTE_SLACK_STORAGE to another database"
        return failed(TABLES, message, remedy, ends_start=True)
    if version == state.known_version:
        return ok(TABLES, f"up to date, of version {version}")
    if not state.may_create:
        remedy = "run `flyte-slack storage migrate` as the user that owns them, or GRANT CREATE ON DATABASE to this one"
        verb = "change" if version else "create"
        return failed(TABLES, f"user {state.user} may not {verb} them, which is due", remedy, ends_start=True)
    change = f"of version {version}; a start brings them to version {state.known_version}"
    return ok(TABLES, change if version else "will be created at startup")


def _assess_durability(state: DatabaseState) -> Finding:
    if not state.has_fsync:
        return warning(DURABILITY, "fsync is off: a crash of the machine loses or damages data", "set fsync = on")
    if state.standbys is Standbys.ASYNCHRONOUS:
        message = "the standby is asynchronous: a failover loses what was acknowledged shortly before"
        return warning(DURABILITY, message, "name the standby in synchronous_standby_names, or accept that")
    if state.standbys is Standbys.SYNCHRONOUS and not state.synchronous_standbys:
        message = "no synchronous standby is connected: commits wait for one"
        remedy = "start a standby that synchronous_standby_names names, or take it out of there"
        return warning(DURABILITY, message, remedy)
    adapted = "; synchronous_commit is off, which packs set to on" if state.synchronous_commit == "off" else ""
    return ok(DURABILITY, f"{_DURABILITY[state.standbys]}{adapted}")
