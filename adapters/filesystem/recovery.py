"""A SQLite file that can't be read any more: kept, reported, and replaced by an empty one."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import structlog

from adapters.filesystem.directory import as_storage_error, create, quarantine
from adapters.filesystem.schema import connect
from domain.errors import StorageUnavailable

log = structlog.get_logger()

_LARGEST_CHECKED = 64 * 1024 * 1024
"""Bytes. A larger file would hold up the start; damage in it shows when it is met."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class _DamagedError(Exception):
    """The file is no SQLite file, or not a whole one."""


def quarantine_if_corrupt(path: Path) -> None:
    """See to it that there is a file that can be used. StorageUnavailable, StorageRefused."""
    try:
        if os.path.lexists(path):
            _check(path)
        else:
            create(path)
    except _DamagedError as damage:
        _start_anew(path, str(damage))
    except OSError as error:
        raise as_storage_error(error, f"make {path}") from error
    except sqlite3.Error as error:
        raise StorageUnavailable(f"can't use {path}: {error} ({error.sqlite_errorname})") from error


def _check(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _DamagedError("it is not a file")
    try:
        with closing(connect(path)) as connection:
            if path.stat().st_size <= _LARGEST_CHECKED:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise _DamagedError(found)
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGED:
            raise _DamagedError(str(error)) from error
        raise


def _start_anew(path: Path, reason: str) -> None:
    try:
        kept_as = quarantine(path)
        for suffix in ("-wal", "-shm"):
            companion = path.with_name(path.name + suffix)
            if os.path.lexists(companion):
                companion.rename(kept_as.with_name(kept_as.name + suffix))
        create(path)
    except OSError as error:
        raise as_storage_error(error, f"move {path} away, which is damaged") from error
    log.error(
        "state_unreadable",
        file=str(path),
        reason=reason,
        kept_as=kept_as.name,
        lost="the messages and actions that waited in it are in the file kept, and are not delivered",
    )
