"""Checks the storage: whether a pack can store its data there, and whether another pack is using it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from adapters.filesystem import diagnostics
from adapters.filesystem.directory import CHANNELS_FILE, DATABASE_FILE, is_temporary, shared_for
from adapters.filesystem.inspection import DatabaseDamaged, DatabaseFile, DatabaseLocked, inspect_database
from adapters.filesystem.schema import VERSION
from application.ports.storage import StorageDescription
from domain.errors import StorageError
from entrypoints.check.findings import Finding, advice, all_skipped, failed, ok, problem, skipped, warning
from entrypoints.check.http_port import Running, RunningPack
from entrypoints.check.storage_place import DATABASE, Looking

STORAGE = "storage"
DIRECTORY = "directory"
LOCK = "directory lock"
CHANNELS = "joined channels"
SPACE = "disk space"

_LOW_BYTES: Final = 256 * 1024**2
_MIN_BYTES: Final = 16 * 1024**2
_ANOTHER: Final = "set FLYTE_SLACK_BACKUP_DIR to another, persistent directory, like /var/lib/flyte-slack"
_FREE_SPACE: Final = f"free space on that disk, or {_ANOTHER}"


async def check_storage(
    description: StorageDescription, looking: Looking, running: Running
) -> AsyncGenerator[Finding, None]:
    """Checks the storage."""
    place = await looking
    directory = place.directory
    for finding in place.findings:
        yield finding
    if directory is None:
        if not place.findings:
            yield _assess_durability(description)
        return
    pack = await running
    for finding in await asyncio.to_thread(lambda: list(_check_directory(directory, pack))):
        yield finding


def _assess_durability(description: StorageDescription) -> Finding:
    if description.is_durable:
        sharing = "several packs can share it" if description.is_shared else "for one pack at a time"
        return ok(STORAGE, f"durable, in {description.location}; {sharing}")
    lost = "joined channels, messages that wait for Flyte and unfinished actions are lost at every exit"
    return warning(
        STORAGE, f"in {description.location}: {lost}", "set FLYTE_SLACK_STORAGE to file:///var/lib/flyte-slack"
    )


def _check_directory(directory: Path, pack: RunningPack | None) -> Iterator[Finding]:
    try:
        diagnostics.check_usable(directory)
    except StorageError as error:
        yield failed(DIRECTORY, problem(error), advice(error) or _ANOTHER, ends_start=True)
        yield from all_skipped((LOCK, DATABASE, CHANNELS), "the directory can't be used")
    else:
        yield _assess_location(directory)
        yield _check_lock(directory, pack)
        yield _check_database(directory)
        yield _check_channels(directory)
    yield _check_space(directory)


def _assess_location(directory: Path) -> Finding:
    if is_temporary(directory):
        return warning(DIRECTORY, f"{directory} is temporary: the system may empty it at any time", _ANOTHER)
    if not directory.exists():
        return ok(DIRECTORY, f"{directory} will be created at startup")
    if foreign := shared_for(directory):
        message = f"other users can read {directory}, and it contains foreign files ({foreign})"
        return warning(DIRECTORY, message, f"move them away and chmod 700 {directory}, or {_ANOTHER}")
    return ok(DIRECTORY, f"{directory} is writable")


def _check_lock(directory: Path, pack: RunningPack | None) -> Finding:
    try:
        holder = diagnostics.holder(directory)
    except StorageError as error:
        return failed(LOCK, str(error), _ANOTHER)
    if holder is None:
        return ok(LOCK, "no pack is using the directory")
    in_use = f"another pack is using {directory}: {holder}"
    if pack is not None:
        return replace(ok(LOCK, f"held by the pack running here ({holder})"), ends_start=f"{in_use}; stop it first")
    remedy = f"stop that pack, or give this one a directory of its own: {_ANOTHER}"
    return failed(LOCK, in_use, remedy, ends_start=True)


def _check_database(directory: Path) -> Finding:
    """Checks the SQLite file: reports what a start would do with it."""
    path = directory / DATABASE_FILE
    try:
        found = inspect_database(directory)
    except DatabaseDamaged as damage:
        message = f"{path} is damaged ({damage}); a start would report it, and go on without what is lost"
        return failed(DATABASE, message, "stop the pack, and restore a backup, if it is newer than what was lost")
    except StorageError as error:
        return _assess_unread(error)
    if found is None:
        return ok(DATABASE, "will be created at startup")
    if found.is_newer:
        message = f"{path} was written by a newer version of this program (its format is {found.version}, this "
        remedy = "run that version, or restore a backup from before the upgrade"
        return failed(DATABASE, f"{message}program's is {VERSION})", remedy, ends_start=True)
    if found.is_older:
        return _assess_migration(directory, found)
    checked = "" if found.is_checked else "; too large to check all of it"
    return ok(DATABASE, f"format {found.version}, {_mebibytes(found)}, {_contents(found)}{checked}")


def _assess_unread(error: StorageError) -> Finding:
    if isinstance(error, DatabaseLocked):
        return failed(DATABASE, problem(error), advice(error), ends_start=True)
    return skipped(DATABASE, str(error))


def _assess_migration(directory: Path, found: DatabaseFile) -> Finding:
    message = f"format {found.version}, {_mebibytes(found)}, {_contents(found)}; a start brings it to format {VERSION}"
    with suppress(OSError):
        if diagnostics.free_bytes(directory) < found.size:
            return failed(DATABASE, f"{message}, which needs as much free space", _FREE_SPACE, ends_start=True)
    return ok(DATABASE, f"{message}; back it up before, since there is no way back")


def _mebibytes(found: DatabaseFile) -> str:
    return f"{found.size / 1024**2:,.1f} MiB"


def _contents(found: DatabaseFile) -> str:
    return f"with {found.messages:,} messages and {found.actions:,} actions that wait or were set aside"


def _check_channels(directory: Path) -> Finding:
    try:
        count = len(diagnostics.joined_channels(directory))
    except (ValueError, OSError) as error:
        file = directory / CHANNELS_FILE
        remedy = f'write a JSON list of channel ids to {file}, like ["C024BE91L"], or move it away'
        message = f"{file} can't be read ({error}); the pack will rename it at startup and join no channel"
        return warning(CHANNELS, message, remedy)
    return ok(CHANNELS, str(count) if count else "none yet")


def _check_space(directory: Path) -> Finding:
    try:
        free = diagnostics.free_bytes(directory)
    except OSError as error:
        return skipped(SPACE, f"unknown: {error.strerror or error}")
    message = f"{free / 1024**2:,.0f} MiB free for {directory}"
    if free < _MIN_BYTES:
        return failed(SPACE, message, _FREE_SPACE)
    return warning(SPACE, message, _FREE_SPACE) if free < _LOW_BYTES else ok(SPACE, message)
