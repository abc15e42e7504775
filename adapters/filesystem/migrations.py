"""Upgrades a SQLite file of an earlier version, within one transaction.

Version 2 lacks columns, which are added. A file of version 1 is rewritten:

1. Whatever was added within that version is added, so that there is only one form of it.
2. Its tables are set aside under other names; the caller creates those of this version.
3. Its rows are copied, and its tables dropped.

Damaged values are copied as they are: whoever reads them sets them aside, and `repair` repairs the rest.
"""

import sqlite3

from adapters.filesystem.uptime import read_saved_uptime
from domain.rate_limits import MAX_PAUSE_SECONDS

_ADDED_TABLES = (
    "CREATE TABLE IF NOT EXISTS gaps (channel_id, after_at, until_at)",
    "CREATE TABLE IF NOT EXISTS pauses (channel_id, until, lasts)",
    "CREATE TABLE IF NOT EXISTS steady (at)",
    "CREATE TABLE IF NOT EXISTS uptime (micros)",
)
_ADDED_COLUMNS = (
    ("outbox", "is_backfilled", "INTEGER NOT NULL DEFAULT 0"),
    ("outbox", "uptime", "INTEGER NOT NULL DEFAULT 0"),
    ("outbox", "refused_uptime", "INTEGER"),
    ("lanes", "uptime", "INTEGER NOT NULL DEFAULT 0"),
    ("journal", "uptime", "INTEGER NOT NULL DEFAULT 0"),
)

_COPY_UPTIME = "INSERT INTO uptime (rowid, micros) SELECT rowid, micros FROM old_uptime"
_COPIES = (
    # An uptime of 0 is none: the first programs of version 1 did not record it.
    """INSERT OR IGNORE INTO lanes SELECT id, channel_id, 0, head, head_at, claimed_to, lease_until, not_before,
        is_interrupted, heard_until, iif(uptime = 0, :now, uptime) FROM old_lanes""",
    """INSERT OR IGNORE INTO outbox SELECT place, key, lane, 'message', state, received_at, is_backfilled, said,
        refusals, first_refused_at, refused_uptime, reason, iif(uptime = 0, :now, uptime), NULL FROM old_outbox""",
    """INSERT OR IGNORE INTO journal SELECT place, id, state, in_hand, taken_at, command, outcome, concluded_at, reason,
        iif(uptime = 0, :now, uptime), NULL FROM old_journal""",
    """INSERT OR IGNORE INTO steps SELECT action, channel_id, position, begun_at, CASE
            WHEN posted_to IS NULL THEN NULL
            WHEN typeof(posted_to) = 'text' AND typeof(timestamp) = 'text' THEN json_object(
                'type', 'Receipt', 'channel_id', posted_to, 'timestamp', timestamp,
                'in_doubt', json(iif(in_doubt, 'true', 'false')))
            ELSE 'damaged' END,
        error FROM old_steps""",
    "INSERT INTO taking SELECT since FROM old_taking",
    "INSERT INTO joined SELECT channel_id, at FROM old_joined",
    "INSERT INTO bystanders SELECT channel_ids FROM old_bystanders",
    "INSERT INTO gaps SELECT channel_id, after_at, until_at FROM old_gaps",
    "INSERT INTO paces SELECT channel_id, used_until FROM old_paces",
    "INSERT INTO pauses SELECT channel_id, until, lasts FROM old_pauses",
    # The first programs of version 1 kept the end of a pause with the pace.
    "INSERT OR IGNORE INTO pauses SELECT channel_id, held_until, :longest_pause FROM old_paces WHERE held_until <> 0",
    "INSERT INTO steady SELECT at FROM old_steady",
    "INSERT INTO tallies SELECT kind, state, rows FROM old_tallies",
)
_TABLES = (
    *("lanes", "outbox", "journal", "steps", "taking", "joined", "bystanders", "gaps", "paces", "pauses", "steady"),
    *("uptime", "tallies"),
)


def add_what_version_3_added(connection: sqlite3.Connection) -> None:
    """Completes the tables of version 2."""
    for table in ("outbox", "journal"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN traceparent TEXT")


def set_version_1_aside(connection: sqlite3.Connection) -> None:
    """Completes the tables of version 1, and renames them."""
    for statement in _ADDED_TABLES:
        connection.execute(statement)
    for table, name, declaration in _ADDED_COLUMNS:
        if name not in {known for _, known, *_ in connection.execute(f"PRAGMA table_info({table})")}:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declaration}")
    for table in _TABLES:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")


def copy_from_version_1(connection: sqlite3.Connection) -> None:
    """Copies all rows, and drops the tables of version 1 with their indexes and triggers."""
    connection.execute(_COPY_UPTIME)
    values = {"now": read_saved_uptime(connection), "longest_pause": int(MAX_PAUSE_SECONDS * 1_000_000)}
    for statement in _COPIES:
        connection.execute(statement, values)
    for table in _TABLES:
        connection.execute(f"DROP TABLE old_{table}")
