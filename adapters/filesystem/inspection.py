"""Reads the SQLite file without changing anything, beside a running pack or without one."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.filesystem.diagnostics import holder
from adapters.filesystem.directory import DATABASE_FILE, MARKER_FILE
from adapters.filesystem.recovery import DAMAGED, first_damage, lacks_log, log_of
from adapters.filesystem.schema import MAX_CHECKED_BYTES, VERSION
from adapters.filesystem.sqlite_errors import explain, primary_code
from domain.errors import StorageUnavailable

_BUSY_SECONDS: Final = 2
_CHECK_SECONDS: Final = 4.0
_STEPS: Final = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock."""
_COUNT: Final = "SELECT coalesce(sum(rows), 0) FROM tallies WHERE kind = '{0}' AND state NOT IN ('done', 'finished')"


class DatabaseDamaged(Exception):
    """The file is not a usable SQLite file. The text says why."""


class DatabaseLocked(StorageUnavailable):
    """Another program has locked the file against all others."""


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """The state of the SQLite file as a pack would find it."""

    version: int
    """The version of its tables; 0 while there are none."""
    size: int
    """The size in bytes, without the log."""
    messages: int
    """The number of messages that wait or were set aside."""
    actions: int
    """The number of actions that are unfinished or were set aside."""
    is_checked: bool
    """Whether its pages were checked, which takes too long for a large file."""

    @property
    def is_older(self) -> bool:
        """Whether a start takes it over."""
        return 0 < self.version < VERSION

    @property
    def is_newer(self) -> bool:
        """Whether this program can't use it."""
        return self.version > VERSION


def inspect_database(directory: Path) -> DatabaseFile | None:
    """Looks at a directory's SQLite file; takes some seconds at most. Returns None if the pack has never run there.

    Raises DatabaseDamaged for a file that a start would set aside, DatabaseLocked for one that it could not open, and
    StorageUnavailable if it can't be read now.
    """
    path = directory / DATABASE_FILE
    was_used = (directory / MARKER_FILE).exists()
    if not path.exists():
        if was_used:
            raise DatabaseDamaged("it is missing, although a pack has run here")
        return None
    size = path.stat().st_size
    if not size:
        if was_used or log_of(path).exists():
            raise DatabaseDamaged("it is empty, although a pack has run here")
        return None
    if holder(directory) is None and lacks_log(path):
        raise DatabaseDamaged(f"what was stored last is lost: {log_of(path).name} was removed or truncated")
    with read_only(path) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        is_checked = size <= MAX_CHECKED_BYTES and _check_pages(connection)
        messages, actions = (count_entries(connection, kind) for kind in ("outbox", "journal"))
    return DatabaseFile(version, size, messages, actions, is_checked)


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens the file so that neither it nor the files beside it change. Raises as `inspect_database` does."""
    has_log, has_index = log_of(path).exists(), path.with_name(f"{path.name}-shm").exists()
    if has_log and not has_index and log_of(path).stat().st_size:
        raise StorageUnavailable(f"{log_of(path)} has no index; a start builds it anew")
    if not path.is_file():
        raise DatabaseDamaged("it is not a file")
    # Without a log nothing is written to the file, and SQLite would have to create the log to read it.
    mode = "readonly_shm=1" if has_log and has_index else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&{mode}", uri=True, timeout=_BUSY_SECONDS)) as connection:
            yield connection
    except sqlite3.Error as error:
        if primary_code(error) in DAMAGED:
            raise DatabaseDamaged(str(error)) from error
        kind = DatabaseLocked if primary_code(error) == sqlite3.SQLITE_BUSY else StorageUnavailable
        raise kind(f"can't read {path}: {explain(error)}") from error


def _check_pages(connection: sqlite3.Connection) -> bool:
    """Returns whether the check came to its end in time. Raises DatabaseDamaged."""
    deadline = time.monotonic() + _CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        damage = first_damage(connection, "quick_check")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False
    finally:
        connection.set_progress_handler(None, 0)
    if damage:
        raise DatabaseDamaged(damage)
    return True


def count_entries(connection: sqlite3.Connection, kind: str) -> int:
    """Returns how many entries of the outbox or the journal are not done; 0 if there is no table with the numbers."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tallies'").fetchone():
        return 0
    (rows,) = connection.execute(_COUNT.format(kind)).fetchone()
    return int(rows)
