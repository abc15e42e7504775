"""The lanes of the outbox in SQLite. Each is a row, which names its first entry and the last one that is claimed."""

import sqlite3
from datetime import datetime
from typing import Final

from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import from_micros, is_time, to_micros
from domain.outbox import Lane

_LONGEST_DELAY_SECONDS: Final = 120
"""No caller delays a lane for longer; what looks longer in the file is wrong."""


def end_claims_of_dead_processes(connection: sqlite3.Connection, uptime: Uptime) -> None:
    """Ends all claims, and the delays that no caller asked for."""
    expire_claims(connection, "lease_until IS NOT NULL")
    connection.execute(
        "UPDATE lanes SET not_before = NULL WHERE not_before IS NOT NULL AND not_before > ?",
        (uptime.after(_LONGEST_DELAY_SECONDS),),
    )


def expire_claims(connection: sqlite3.Connection, condition: str, *values: int) -> None:
    """Ends claims as if their leases had expired: the first of their entries may have been delivered."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = ifnull(head <= claimed_to, 0), lease_until = NULL, claimed_to = NULL "
        f"WHERE {condition}",
        values,
    )


def end_claim(connection: sqlite3.Connection, lane: Lane, retry_at: int | None = None) -> bool:
    """Ends the claim of a lane, to be claimed again from the uptime `retry_at`. Returns False if there is none."""
    cursor = connection.execute(
        "UPDATE lanes SET lease_until = NULL, claimed_to = NULL, not_before = iif(head IS NULL, NULL, ?) "
        "WHERE name = ? AND lease_until IS NOT NULL",
        (retry_at, lane),
    )
    return cursor.rowcount == 1


def last_message_at(connection: sqlite3.Connection, lane: Lane) -> datetime | None:
    """Returns the timestamp of the lane's latest message."""
    row = connection.execute("SELECT heard_until FROM lanes WHERE name = ?", (lane,)).fetchone()
    return from_micros(row[0]) if row and is_time(row[0]) else None


def active_since(connection: sqlite3.Connection, time: datetime) -> list[Lane]:
    """Returns the lanes whose latest message is not older than that."""
    rows = connection.execute("SELECT name FROM lanes WHERE heard_until >= ?", (to_micros(time),))
    return [Lane(name) for (name,) in rows]


def lane_id(connection: sqlite3.Connection, name: str, priority: int = 0) -> int:
    """Returns the id of a lane, which is created if necessary."""
    connection.execute("INSERT INTO lanes (name, priority) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, priority))
    (lane,) = connection.execute("SELECT id FROM lanes WHERE name = ?", (name,)).fetchone()
    return int(lane)


def append_to_lane(connection: sqlite3.Connection, lane: int, place: int, uptime: int) -> None:
    """Makes a new entry the first of its lane if there was none."""
    connection.execute("UPDATE lanes SET head = ?, head_at = ? WHERE id = ? AND head IS NULL", (place, uptime, lane))


def remove_from_lane(connection: sqlite3.Connection, lane: int, place: int) -> None:
    """If the entry was the first of its lane, the next one becomes the first."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = 0, (head, head_at) = (SELECT place, uptime FROM outbox "
        "WHERE lane = lanes.id AND state = 'waiting' ORDER BY place LIMIT 1) WHERE id = ? AND head = ?",
        (lane, place),
    )
    connection.execute("UPDATE lanes SET not_before = NULL WHERE id = ? AND head IS NULL", (lane,))
