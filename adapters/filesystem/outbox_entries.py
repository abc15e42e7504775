"""Single entries of the outbox in SQLite: what ends their wait."""

import sqlite3

import structlog

from adapters.filesystem.lanes import remove_from_lane
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import is_time, to_micros
from application.ports.clock import Clock

log = structlog.get_logger()

ENTRY = "place, key, kind, said, received_at, is_backfilled, refusals, first_refused_at, reason, traceparent"
"""The columns of an entry."""


def deliver(connection: sqlite3.Connection, key: str, uptime: Uptime) -> bool:
    """Keeps only the key of an entry that waits or is dead-lettered. Returns False if there is none."""
    row = connection.execute("SELECT lane, place FROM outbox WHERE key = ? AND state <> 'done'", (key,)).fetchone()
    if row is None:
        return False
    lane, place = row
    connection.execute(
        "UPDATE outbox SET state = 'done', uptime = ?, said = '', reason = '' WHERE place = ?", (uptime.now(), place)
    )
    remove_from_lane(connection, lane, place)
    return True


def set_unreadable_aside(connection: sqlite3.Connection, place: int, problem: str, clock: Clock) -> None:
    """Makes a row a dead letter that operators can list, show and discard."""
    key, received_at, lane = connection.execute(
        "SELECT key, received_at, lane FROM outbox WHERE place = ?", (place,)
    ).fetchone()
    key = key if isinstance(key, str) and key else f"unreadable:{place}"
    received_at = received_at if is_time(received_at) else to_micros(clock.now())
    connection.execute(
        "UPDATE outbox SET state = 'set aside', key = ?, received_at = ?, is_backfilled = 0, refusals = 0, "
        "first_refused_at = NULL, refused_uptime = NULL, reason = ? WHERE place = ?",
        (key, received_at, f"unreadable: {problem}", place),
    )
    remove_from_lane(connection, lane, place)
    log.error("unreadable_set_aside", queue="outbox", ref=key, reason=problem)
