"""Recovery from a damaged or missing SQLite file: it is moved aside, reported, and replaced by an empty one."""

import os
import sqlite3
import stat
import struct
from contextlib import closing
from pathlib import Path

import structlog

from adapters.filesystem.directory import as_storage_error, create, quarantine
from adapters.filesystem.schema import MAX_CHECKED_BYTES, connect
from adapters.filesystem.sqlite_errors import explain, primary_code
from domain.errors import StorageUnavailable, StorageUnusable

log = structlog.get_logger()

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_INDEX_HEADER = struct.Struct("=14xHI76xI")
"""The header of the file `-shm`: page size, frames in the log, and how many of them are in the database already."""
_LOG_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24


class _CorruptError(Exception):
    """The file is not a complete SQLite file."""


def quarantine_if_corrupt(path: Path, marker: Path, *, had_channels: bool) -> None:
    """Makes sure that there is a usable file, and reports what is lost. Raises StorageUnavailable and StorageUnusable.

    The `marker` exists once the file has been used. An empty or a missing file is reported only after that, or if
    channels had been joined: otherwise it is the first start.
    """
    try:
        if os.path.lexists(path):
            _check(path, was_used=marker.exists() or had_channels)
        elif marker.exists():
            _report(path, "it is missing", kept_as="")
            create(path)
        else:
            create(path)
    except _CorruptError as damage:
        _replace_by_empty(path, str(damage))
    except OSError as error:
        raise as_storage_error(error, f"create {path}") from error
    except sqlite3.Error as error:
        raise _unavailable(path, error) from error


def require_intact(path: Path) -> None:
    """Checks that nothing is damaged or missing, and upgrades a file of an earlier version.

    No other process may use it. Raises StorageUnusable if it is not intact; StorageUnavailable.
    """
    try:
        _check(path, was_used=True)
    except _CorruptError as damage:
        raise StorageUnusable(f"{path} is damaged ({damage}); restore a backup, or start the pack there") from damage
    except sqlite3.Error as error:
        raise _unavailable(path, error) from error


def upgrade(path: Path) -> None:
    """Upgrades a file of an earlier version. No other process may use it.

    Raises StorageUnavailable and StorageUnusable; then the file is unchanged.
    """
    try:
        connect(path, migrates=True).close()
    except sqlite3.Error as error:
        raise _unavailable(path, error) from error


def _unavailable(path: Path, error: sqlite3.Error) -> StorageUnavailable:
    return StorageUnavailable(f"can't use {path}: {explain(error)}")


def _check(path: Path, *, was_used: bool) -> None:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _CorruptError("it is not a file")
    if not status.st_size and (was_used or log_of(path).exists()):
        raise _CorruptError("it is empty")
    if lacks_log(path):
        report_incomplete(log_of(path))
    try:
        if path.stat().st_size <= MAX_CHECKED_BYTES:
            _check_pages(path)
        connect(path, migrates=True).close()
    except sqlite3.Error as error:
        if primary_code(error) in DAMAGED:
            raise _CorruptError(str(error)) from error
        raise


def _check_pages(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        damage = first_damage(connection, "quick_check")
    if damage:
        raise _CorruptError(damage)


def first_damage(connection: sqlite3.Connection, check: str) -> str:
    """Returns the first damage that a check of SQLite finds, in one line; empty if there is none."""
    (found,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    return "" if found == "ok" else " ".join(found.split())


def _replace_by_empty(path: Path, reason: str) -> None:
    try:
        kept_as = quarantine(path)
        for suffix in ("-wal", "-shm"):
            companion = path.with_name(path.name + suffix)
            if os.path.lexists(companion):
                companion.rename(kept_as.with_name(kept_as.name + suffix))
        create(path)
    except OSError as error:
        raise as_storage_error(error, f"move the damaged {path} aside") from error
    _report(path, reason, kept_as.name)


def _report(path: Path, reason: str, kept_as: str) -> None:
    what = "stay in the file that was moved aside, and are not delivered" if kept_as else "are not delivered"
    log.error(
        "state_unreadable",
        file=str(path),
        reason=reason,
        kept_as=kept_as,
        lost=f"the messages and actions that waited in it {what}",
    )


def report_incomplete(file: Path) -> None:
    """Reports that the write-ahead log was removed or truncated."""
    log.error(
        "state_incomplete",
        file=str(file),
        reason="it was removed or truncated",
        lost="what was stored last: messages and actions since its content went into the database for the last time",
    )


def log_of(path: Path) -> Path:
    """Returns the write-ahead log of a file."""
    return path.with_name(f"{path.name}-wal")


def lacks_log(path: Path) -> bool:
    """Returns whether the write-ahead log of a killed process is shorter than its index says."""
    try:
        with path.with_name(f"{path.name}-shm").open("rb") as index:
            header: tuple[int, int, int] = _INDEX_HEADER.unpack(index.read(_INDEX_HEADER.size))
    except (FileNotFoundError, struct.error):
        return False
    page_bytes, frames, saved_frames = header
    size = log_of(path).stat().st_size if log_of(path).exists() else 0
    return frames > saved_frames and size < _LOG_HEADER_BYTES + frames * (_FRAME_HEADER_BYTES + page_bytes)
