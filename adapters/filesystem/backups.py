"""Backups of a directory: a SQLite file with an additional table, which holds the list of joined channels."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from adapters.filesystem.channels import read_joined
from adapters.filesystem.copy_marks import MARKS_FILE, require_current
from adapters.filesystem.directory import (
    CHANNELS_FILE,
    DATABASE_FILE,
    MARKER_FILE,
    as_storage_error,
    create,
    inspect,
    is_ours,
    lock,
    prepare,
    private_file,
    replace,
    sync,
)
from adapters.filesystem.inspection import DatabaseDamaged, count_entries, read_only
from adapters.filesystem.recovery import first_damage
from adapters.filesystem.schema import VERSION
from adapters.filesystem.sqlite_errors import explain
from application.ports.backups import Backup
from domain.errors import StorageUnavailable, StorageUnusable

_RESTORING: Final = "storage restore"
"""The purpose that the directory's lock shows during a restore."""
_USE_ANOTHER: Final = "use another backup"
_USE_THE_PACKS: Final = "set FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR as for the pack"
_CREATE: Final = "CREATE TABLE backup (made_at TEXT NOT NULL, channels TEXT NOT NULL)"
_HAS_TABLE: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"


def back_up(directory: Path, file: Path, now: datetime, *, replaces: bool) -> Backup:
    """Writes a backup of the directory to the file. Raises as BackedUpStorage does."""
    file = Path(os.path.abspath(file))  # noqa: PTH100 - a link in the path stays one
    if file.parent == directory and is_ours(file):
        raise StorageUnusable(f"{file} is a name for the pack's own files; use another name or directory")
    if not replaces and os.path.lexists(file):
        raise StorageUnusable(f"{file} exists already; use another name, or --force to replace it")
    try:
        with _temporary(file.with_name(f".{file.name}.{os.getpid()}")) as unfinished:
            backup = _copy(directory, unfinished, now)
            unfinished.replace(file)
            sync(file.parent)
    except OSError as error:
        raise as_storage_error(error, f"write {file}") from error
    return backup


def back_up_to(directory: Path, stream: BinaryIO, now: datetime) -> Backup:
    """Writes a backup of the directory to the stream. Raises as BackedUpStorage does."""
    with _temporary(directory / f"flyte-slack.backup-{os.getpid()}") as unfinished:
        try:
            backup = _copy(directory, unfinished, now)
        except OSError as error:
            raise as_storage_error(error, f"write {unfinished}") from error
        with unfinished.open("rb") as copy:
            shutil.copyfileobj(copy, stream)
    return backup


def restore(directory: Path, backup: BinaryIO) -> Backup:
    """Fills the directory with what a backup holds. Raises as BackedUpStorage does."""
    prepare(directory)
    descriptor = lock(directory, _RESTORING)
    try:
        _require_empty(directory)
        with _temporary(directory / f"{DATABASE_FILE}.restored") as unfinished:
            with private_file(unfinished) as copy, os.fdopen(copy, "wb", closefd=False) as output:
                shutil.copyfileobj(backup, output)
            found, channels = _take_out_channels(unfinished)
            _sync_file(unfinished)
            if channels is not None:
                _write_channels(directory / CHANNELS_FILE, channels)
            create(directory / MARKER_FILE)
            unfinished.rename(directory / DATABASE_FILE)
            sync(directory)
    except OSError as error:
        raise as_storage_error(error, f"restore to {directory}") from error
    finally:
        os.close(descriptor)
    return found


def _copy(directory: Path, target: Path, now: datetime) -> Backup:
    """Copies the database and the list of channels to a new file. Raises StorageError and OSError."""
    source = directory / DATABASE_FILE
    if not source.is_file():
        raise StorageUnusable(f"there is no {source}: has the pack ever run there?; {_USE_THE_PACKS}")
    inspect(directory)
    require_current(directory)
    with private_file(target):
        pass
    try:
        with read_only(source) as connection:
            _require_known(connection, source, _USE_THE_PACKS)
            _vacuum_into(connection, target)
    except DatabaseDamaged as damage:
        raise StorageUnusable(f"{source} is damaged ({damage}), so that there is nothing to back up") from damage
    channels = _joined(directory)
    backup = _add_channels(target, channels, now)
    _sync_file(target)
    return backup


def _vacuum_into(connection: sqlite3.Connection, target: Path) -> None:
    """Copies what the database holds at one moment, and nothing that was forgotten."""
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.OperationalError as error:
        raise StorageUnavailable(f"can't write {target}: {explain(error)}") from error


def _joined(directory: Path) -> list[str]:
    path = directory / CHANNELS_FILE
    try:
        return list(read_joined(path).ids)
    except (ValueError, OSError) as error:
        raise StorageUnusable(f"{path} can't be read: {error}") from error


def _add_channels(target: Path, channels: list[str], now: datetime) -> Backup:
    with _unsynced(target) as connection:
        connection.execute(_CREATE)
        connection.execute("INSERT INTO backup VALUES (?, ?)", (now.isoformat(), json.dumps(channels)))
        messages, actions = (count_entries(connection, kind) for kind in ("outbox", "journal"))
    return Backup(now, len(channels), messages, actions)


def _take_out_channels(path: Path) -> tuple[Backup, list[str] | None]:
    """Turns a backup into the database it was made from. Raises StorageUnusable unless it is intact."""
    try:
        with _unsynced(path) as connection:
            _require_known(connection, "the backup", _USE_ANOTHER)
            if damage := first_damage(connection, "integrity_check"):
                raise StorageUnusable(f"the backup is damaged: {damage}; {_USE_ANOTHER}")
            made_at, channels = _channels_in(connection)
            connection.execute("DROP TABLE IF EXISTS backup")
            messages, actions = (count_entries(connection, kind) for kind in ("outbox", "journal"))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise StorageUnusable(f"the file is no backup, or a damaged one: {error}; {_USE_ANOTHER}") from error
    return Backup(made_at, None if channels is None else len(channels), messages, actions), channels


def _channels_in(connection: sqlite3.Connection) -> tuple[datetime | None, list[str] | None]:
    """Returns when the backup was made, and the joined channels; None for a plain copy of a database."""
    if connection.execute(_HAS_TABLE, ("backup",)).fetchone() is None:
        return None, None
    made_at, channels = connection.execute("SELECT made_at, channels FROM backup").fetchone()
    return datetime.fromisoformat(made_at).astimezone(UTC), list(json.loads(channels))


def _require_known(connection: sqlite3.Connection, name: object, remedy: str) -> None:
    """Raises StorageUnusable unless the database is one of this program, of a version that it knows."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StorageUnusable(
            f"{name} was written by a newer version of this program (its format is {version}, this program knows "
            f"{VERSION}); use that version"
        )
    if not version or connection.execute(_HAS_TABLE, ("outbox",)).fetchone() is None:
        raise StorageUnusable(f"{name} is no database of this program; {remedy}")


def _require_empty(directory: Path) -> None:
    """Raises StorageUnusable if a database, or a part of one, is there already."""
    names = (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", CHANNELS_FILE, MARKS_FILE)
    if found := [name for name in names if os.path.lexists(directory / name)]:
        raise StorageUnusable(
            f"{directory} is not empty: it holds {', '.join(found)}, which must not be mixed with a backup; move them "
            "away, or restore to another directory"
        )


def _write_channels(path: Path, channels: list[str]) -> None:
    replace(path, json.dumps(channels).encode())


@contextmanager
def _unsynced(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a file without journal and fsync: it is of no use before it is complete, and the caller syncs it then."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yields a file that is removed at the end unless it was renamed. First removes what an earlier attempt left."""
    try:
        path.unlink(missing_ok=True)
        yield path
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
