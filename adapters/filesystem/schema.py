"""The SQLite file: its tables, and how to open it."""

import sqlite3
from pathlib import Path

from domain.errors import StorageUnusable

VERSION = 1
"""Of the tables below; stored in the file's `user_version`."""

UNFINISHED = "state IN ('taken', 'executing', 'concluded')"
"""Used alike in indexes and queries: SQLite matches a partial index by its wording."""

MAX_CHECKED_BYTES = 64 * 1024 * 1024
"""Reading all of a larger file would delay the start; its damage shows when it is accessed."""

MAX_LOG_BYTES = 64 * 1024 * 1024
"""Of the write-ahead log that stay on disk after a burst: SQLite truncates a longer one."""

PURGE_BATCH = 2000
"""Rows that one request deletes at most, so that other requests get their turn in between."""

_BUSY_SECONDS = 5
"""How long to wait for another process's transaction: those of an operator's command last milliseconds."""

_TABLES = (
    # One row for each channel with a message, ever.
    """CREATE TABLE lanes (
        id INTEGER PRIMARY KEY,
        channel_id TEXT NOT NULL UNIQUE,
        head INTEGER, -- the place of the first entry that waits
        head_at INTEGER, -- its uptime
        claimed_to INTEGER, -- the place of the last entry claimed
        lease_until INTEGER, -- an uptime; set while claimed
        not_before INTEGER, -- an uptime; set while paused
        is_interrupted INTEGER NOT NULL DEFAULT 0,
        heard_until INTEGER
    )""",
    """CREATE INDEX lanes_ready ON lanes (head_at, head)
        WHERE head IS NOT NULL AND lease_until IS NULL AND not_before IS NULL""",
    "CREATE INDEX lanes_leased ON lanes (lease_until) WHERE lease_until IS NOT NULL",
    "CREATE INDEX lanes_paused ON lanes (not_before) WHERE not_before IS NOT NULL",
    """CREATE TABLE outbox (
        place INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        lane INTEGER NOT NULL REFERENCES lanes,
        state TEXT NOT NULL, -- waiting, set aside, done
        received_at INTEGER NOT NULL,
        said TEXT NOT NULL,
        refusals INTEGER NOT NULL DEFAULT 0,
        first_refused_at INTEGER,
        reason TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX outbox_by_lane ON outbox (lane, place) WHERE state = 'waiting'",
    """CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL, -- the values of ActionState
        in_hand INTEGER NOT NULL,
        taken_at INTEGER NOT NULL,
        command TEXT NOT NULL,
        outcome TEXT,
        concluded_at INTEGER,
        reason TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE steps (
        action INTEGER NOT NULL REFERENCES journal,
        channel_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        begun_at INTEGER,
        posted_to TEXT,
        timestamp TEXT,
        in_doubt INTEGER,
        error TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (action, channel_id)
    ) WITHOUT ROWID""",
    "CREATE TRIGGER steps_go AFTER DELETE ON journal BEGIN DELETE FROM steps WHERE action = OLD.place; END",
    "CREATE TABLE taking (since INTEGER NOT NULL)",  # a row while a process asks for actions
    "CREATE TABLE joined (channel_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE bystanders (channel_ids TEXT NOT NULL)",
    """CREATE TABLE paces (
        channel_id TEXT PRIMARY KEY, used_until INTEGER NOT NULL, held_until INTEGER NOT NULL
    ) WITHOUT ROWID""",
    # The number of rows in each state, kept by triggers, so that they need not be counted.
    "CREATE TABLE tallies (kind TEXT, state TEXT, rows INTEGER NOT NULL, PRIMARY KEY (kind, state)) WITHOUT ROWID",
)

# What came later within this version: an earlier program ignores it.
_ADDED = (
    """CREATE TABLE IF NOT EXISTS gaps (
        channel_id TEXT NOT NULL,
        after_at INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        PRIMARY KEY (channel_id, after_at)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS pauses (
        channel_id TEXT PRIMARY KEY, until INTEGER NOT NULL, lasts INTEGER NOT NULL -- microseconds
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS steady (at INTEGER NOT NULL)",  # a row: when posts last waited for no outage
    """CREATE TABLE IF NOT EXISTS message_keys (
        channel_id TEXT NOT NULL,
        key TEXT NOT NULL,
        timestamp TEXT NOT NULL,
        reserved_since INTEGER,
        uptime INTEGER NOT NULL, -- of its latest use
        PRIMARY KEY (channel_id, key)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS uptime (micros INTEGER NOT NULL)",  # one row
)
_ADDED_COLUMNS = {
    "outbox": {
        "kind": "TEXT NOT NULL DEFAULT 'message'",
        "is_backfilled": "INTEGER NOT NULL DEFAULT 0",
        # When the entry began to wait; when it was delivered, once it is. 0: written by an earlier program.
        "uptime": "INTEGER NOT NULL DEFAULT 0",
        "refused_uptime": "INTEGER",  # of the first refusal
    },
    "lanes": {
        "priority": "INTEGER NOT NULL DEFAULT 0",
        "uptime": "INTEGER NOT NULL DEFAULT 0",  # of its latest new entry
    },
    "journal": {"uptime": "INTEGER NOT NULL DEFAULT 0"},  # when the action was taken, requeued or reported
}
_INDEXES = (
    # Instead of those by the time of day; an earlier program does without.
    "DROP INDEX IF EXISTS outbox_by_age",
    "DROP INDEX IF EXISTS journal_by_age",
    "DROP INDEX IF EXISTS journal_let_go",
    "DROP INDEX IF EXISTS journal_set_aside",
    "DROP INDEX IF EXISTS journal_finished",
    "CREATE INDEX IF NOT EXISTS message_keys_by_message ON message_keys (channel_id, timestamp)",
    "CREATE INDEX IF NOT EXISTS message_keys_by_uptime ON message_keys (uptime)",
    "CREATE INDEX IF NOT EXISTS outbox_by_uptime ON outbox (state, uptime)",
    f"CREATE INDEX IF NOT EXISTS journal_by_uptime ON journal (uptime) WHERE {UNFINISHED}",
    f"CREATE INDEX IF NOT EXISTS journal_orphans ON journal (uptime) WHERE in_hand = 0 AND {UNFINISHED}",
    "CREATE INDEX IF NOT EXISTS journal_dead_letters ON journal (uptime) WHERE state = 'set aside'",
    "CREATE INDEX IF NOT EXISTS journal_reported ON journal (uptime) WHERE state = 'finished'",
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


def connect(path: Path) -> sqlite3.Connection:
    """Opens an existing file, and creates its tables. Raises sqlite3.Error, and StorageUnusable for a newer version."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.text_factory = _decode
    try:
        _set_up(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _decode(stored: bytes) -> str | bytes:
    """Returns the text; the bytes if it is damaged, so that only those who need it fail."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StorageUnusable(
            f"{path} was written by a newer version of this program; run that version, or move the file away"
        )
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
        _create(connection)
    _add_missing(connection)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in (*_TABLES, *_tally("outbox"), *_tally("journal")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _add_missing(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    for statement in _ADDED:
        connection.execute(statement)
    for table, columns in _ADDED_COLUMNS.items():
        known = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
        for name in columns.keys() - known:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")
    for statement in _INDEXES:
        connection.execute(statement)
    connection.execute("COMMIT")
