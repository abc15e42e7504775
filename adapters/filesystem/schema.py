"""The SQLite file: its tables, and how to open it."""

import sqlite3
from pathlib import Path

import structlog

from adapters.filesystem.migrations import add_what_version_3_added, copy_from_version_1, set_version_1_aside
from adapters.sql.journal_rows import UNFINISHED
from domain.errors import StorageUnusable

log = structlog.get_logger()

VERSION = 3
"""The version of the tables below, stored in the file's `user_version`."""

MAX_CHECKED_BYTES = 64 * 1024 * 1024
"""Reading all of a larger file would delay the start; its damage shows when it is accessed."""

MAX_LOG_BYTES = 64 * 1024 * 1024
"""The size to which SQLite truncates the write-ahead log after a burst."""

PURGE_BATCH = 2000
"""Rows that one request deletes at most, so that other requests get their turn in between."""

_BUSY_SECONDS = 5
"""How long to wait for another process's transaction: those of an operator's command last milliseconds."""

_TABLES = (
    # One row for each channel with an event, and for each user with an interaction.
    """CREATE TABLE lanes (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        priority INTEGER NOT NULL,
        head INTEGER, -- the place of the first entry that waits
        head_at INTEGER, -- its uptime
        claimed_to INTEGER, -- the place of the last entry claimed
        lease_until INTEGER, -- an uptime; set while claimed
        not_before INTEGER, -- an uptime; set while paused
        is_interrupted INTEGER NOT NULL DEFAULT 0,
        heard_until INTEGER, -- when the latest message was written
        uptime INTEGER NOT NULL DEFAULT 0 -- of its latest new entry
    )""",
    """CREATE TABLE outbox (
        place INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        lane INTEGER NOT NULL REFERENCES lanes,
        kind TEXT NOT NULL, -- the values of EventKind
        state TEXT NOT NULL, -- waiting, set aside, done
        received_at INTEGER NOT NULL,
        is_backfilled INTEGER NOT NULL,
        said TEXT NOT NULL, -- the event
        refusals INTEGER NOT NULL DEFAULT 0,
        first_refused_at INTEGER,
        refused_uptime INTEGER, -- of the first refusal
        reason TEXT NOT NULL DEFAULT '',
        uptime INTEGER NOT NULL, -- when the entry began to wait; when it was delivered, once it is
        traceparent TEXT
    )""",
    """CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL, -- the values of ActionState
        in_hand INTEGER NOT NULL,
        taken_at INTEGER NOT NULL,
        command TEXT NOT NULL,
        outcome TEXT,
        concluded_at INTEGER,
        reason TEXT NOT NULL DEFAULT '',
        uptime INTEGER NOT NULL, -- when the action was taken, requeued or reported
        traceparent TEXT
    )""",
    """CREATE TABLE steps (
        action INTEGER NOT NULL REFERENCES journal,
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        begun_at INTEGER,
        result TEXT,
        error TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (action, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE message_keys (
        channel_id TEXT NOT NULL,
        key TEXT NOT NULL,
        timestamp TEXT NOT NULL, -- of the message; empty while the key is only reserved
        reserved_since INTEGER,
        uptime INTEGER NOT NULL, -- of its latest use
        PRIMARY KEY (channel_id, key)
    ) WITHOUT ROWID""",
    "CREATE TABLE taking (since INTEGER NOT NULL)",  # a row while a process asks for actions
    "CREATE TABLE joined (channel_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE bystanders (channel_ids TEXT NOT NULL)",
    """CREATE TABLE gaps (
        channel_id TEXT NOT NULL,
        after_at INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        PRIMARY KEY (channel_id, after_at)
    ) WITHOUT ROWID""",
    "CREATE TABLE paces (channel_id TEXT PRIMARY KEY, used_until INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE pauses (
        channel_id TEXT PRIMARY KEY, until INTEGER NOT NULL, lasts INTEGER NOT NULL -- microseconds
    ) WITHOUT ROWID""",
    "CREATE TABLE steady (at INTEGER NOT NULL)",  # a row: when posts last waited for no outage
    "CREATE TABLE uptime (micros INTEGER NOT NULL)",  # one row
    # The number of rows in each state, kept by triggers, so that they need not be counted.
    "CREATE TABLE tallies (kind TEXT, state TEXT, rows INTEGER NOT NULL, PRIMARY KEY (kind, state)) WITHOUT ROWID",
)
_INDEXES = (
    """CREATE INDEX lanes_ready ON lanes (priority DESC, head_at, head)
        WHERE head IS NOT NULL AND lease_until IS NULL AND not_before IS NULL""",
    "CREATE INDEX lanes_leased ON lanes (lease_until) WHERE lease_until IS NOT NULL",
    "CREATE INDEX lanes_paused ON lanes (not_before) WHERE not_before IS NOT NULL",
    "CREATE INDEX outbox_by_lane ON outbox (lane, place) WHERE state = 'waiting'",
    "CREATE INDEX outbox_by_uptime ON outbox (state, uptime)",
    f"CREATE INDEX journal_by_uptime ON journal (uptime) WHERE {UNFINISHED}",
    f"CREATE INDEX journal_orphans ON journal (uptime) WHERE in_hand = 0 AND {UNFINISHED}",
    "CREATE INDEX journal_dead_letters ON journal (uptime) WHERE state = 'set aside'",
    "CREATE INDEX journal_reported ON journal (uptime) WHERE state = 'finished'",
    "CREATE INDEX message_keys_by_message ON message_keys (channel_id, timestamp)",
    "CREATE INDEX message_keys_by_uptime ON message_keys (uptime)",
)

_COUNT = "INSERT INTO tallies VALUES ('{0}', {1}, {2}) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows;"


def _tally(table: str) -> tuple[str, ...]:
    came, went = _COUNT.format(table, "NEW.state", 1), _COUNT.format(table, "OLD.state", -1)
    return (
        f"CREATE TRIGGER {table}_came AFTER INSERT ON {table} BEGIN {came} END",
        f"CREATE TRIGGER {table}_went AFTER DELETE ON {table} BEGIN {went} END",
        f"""CREATE TRIGGER {table}_changed AFTER UPDATE OF state ON {table} WHEN OLD.state <> NEW.state
            BEGIN {went} {came} END""",
    )


_TRIGGERS = (
    "CREATE TRIGGER steps_go AFTER DELETE ON journal BEGIN DELETE FROM steps WHERE action = OLD.place; END",
    *_tally("outbox"),
    *_tally("journal"),
)


def connect(path: Path, *, migrates: bool = False) -> sqlite3.Connection:
    """Opens an existing file, and creates its tables. Raises sqlite3.Error, and StorageUnusable for another version.

    With `migrates`, which needs a process that uses the file alone, takes over a file of an earlier version.
    """
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.text_factory = _decode
    try:
        _set_up(connection, path, migrates=migrates)
    except BaseException:
        connection.close()
        raise
    return connection


def empty_log(connection: sqlite3.Connection) -> bool:
    """Moves what the write-ahead log holds into the file. Returns False, without waiting, if others still read it."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")
    return not is_busy


def _decode(stored: bytes) -> str | bytes:
    """Returns the text; the bytes if it is damaged, so that only those who need it fail."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _set_up(connection: sqlite3.Connection, path: Path, *, migrates: bool) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _check_version(version, path, migrates=migrates)
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # possible only before there are tables
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageUnusable(
            f"{path} is on a file system without the shared memory that SQLite needs; use a local disk"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -8000")  # KiB
    connection.execute("PRAGMA temp_store = MEMORY")  # a hardened container has no writable directory besides
    connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
    if version < VERSION:
        _bring_up_to_date(connection, version)
    connection.execute("PRAGMA secure_delete = ON")  # what was forgotten does not stay in free pages


def _check_version(version: int, path: Path, *, migrates: bool) -> None:
    if version > VERSION:
        raise StorageUnusable(
            f"{path} was written by a newer version of this program (its format is {version}, this program knows "
            f"{VERSION}); run that version, or move the file away"
        )
    if 0 < version < VERSION and not migrates:
        raise StorageUnusable(
            f"{path} is in use by an earlier version of this program (its format is {version}, this program's is "
            f"{VERSION}); end that pack first"
        )


def _bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Creates the tables, or makes them of those of an earlier version, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    if version < 2:  # noqa: PLR2004 - since then, tables are changed where they are
        _create_tables(connection, version)
    else:
        add_what_version_3_added(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version:
        log.info("storage_upgraded", from_version=version, to_version=VERSION)


def _create_tables(connection: sqlite3.Connection, version: int) -> None:
    """Creates the tables, and fills them from those of version 1."""
    if version == 1:
        set_version_1_aside(connection)
    for statement in _TABLES:
        connection.execute(statement)
    if version == 1:
        copy_from_version_1(connection)
    for statement in (*_INDEXES, *_TRIGGERS):
        connection.execute(statement)
