"""Recovery from a corrupt SQLite file: it is moved aside, reported, and replaced by an empty one."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import structlog

from adapters.filesystem.directory import as_storage_error, create, quarantine
from adapters.filesystem.schema import MAX_CHECKED_BYTES, connect
from domain.errors import StorageUnavailable

log = structlog.get_logger()

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class _CorruptError(Exception):
    """The file is not a complete SQLite file."""


def quarantine_if_corrupt(path: Path) -> None:
    """Makes sure that there is a usable file. Raises StorageUnavailable and StorageUnusable."""
    try:
        if os.path.lexists(path):
            _check(path)
        else:
            create(path)
    except _CorruptError as damage:
        _replace_by_empty(path, str(damage))
    except OSError as error:
        raise as_storage_error(error, f"create {path}") from error
    except sqlite3.Error as error:
        raise StorageUnavailable(f"can't use {path}: {error} ({error.sqlite_errorname})") from error


def _check(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _CorruptError("it is not a file")
    try:
        with closing(connect(path)) as connection:
            if path.stat().st_size <= MAX_CHECKED_BYTES:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise _CorruptError(found)
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGED:
            raise _CorruptError(str(error)) from error
        raise


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
    log.error(
        "state_unreadable",
        file=str(path),
        reason=reason,
        kept_as=kept_as.name,
        lost="the messages and actions that waited in it stay in the file that was moved aside, and are not delivered",
    )
