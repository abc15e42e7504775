"""The outbox's rows: entries by place, and one row for each channel that says what is first in it and who has it.

Each function runs inside a transaction. Times are microseconds since 1970.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.filesystem.codec import dump_message, from_micros, load_message, optional_from_micros, to_micros
from adapters.filesystem.schema import PURGE_BATCH
from adapters.serialization.timestamps import parse_ts
from domain.channels import ChannelId
from domain.outbox import Backlog, Claim, OutboxEntry

START = (-(2**62), 0)
"""Where to begin with the pages."""

_PAGE = 200
_EVER = 2**62

_ENTRY = "said, received_at, refusals, first_refused_at, reason"


def end_claims(connection: sqlite3.Connection, now: int | None = None) -> None:
    """End the claims whose lease ran out at `now`; all of them when that is None."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = ifnull(head <= claimed_to, 0), lease_until = NULL, "
        "claimed_to = NULL WHERE lease_until IS NOT NULL AND lease_until <= ?",
        (_EVER if now is None else now,),
    )


def heard_until(connection: sqlite3.Connection, channel_id: ChannelId) -> datetime | None:
    """The timestamp of the latest message taken from this channel."""
    row = connection.execute("SELECT heard_until FROM lanes WHERE channel_id = ?", (channel_id,)).fetchone()
    return optional_from_micros(row[0]) if row else None


def heard_since(connection: sqlite3.Connection, since: int) -> frozenset[ChannelId]:
    """The channels whose latest message is not older than that."""
    rows = connection.execute("SELECT channel_id FROM lanes WHERE heard_until >= ?", (since,))
    return frozenset(ChannelId(channel_id) for (channel_id,) in rows)


def append(connection: sqlite3.Connection, entries: Sequence[OutboxEntry]) -> list[bool]:
    """Which of them are new; those are kept."""
    lanes: dict[ChannelId, int] = {}
    firsts: dict[int, tuple[int, int]] = {}
    heard: dict[int, int] = {}
    are_new = []
    for entry in entries:
        said, received_at = entry.said, to_micros(entry.received_at)
        lane = lanes.get(said.channel_id) or lanes.setdefault(said.channel_id, _lane(connection, said.channel_id))
        cursor = connection.execute(
            "INSERT INTO outbox (key, lane, state, received_at, said) VALUES (?, ?, 'waiting', ?, ?) "
            "ON CONFLICT (key) DO NOTHING",
            (entry.key, lane, received_at, dump_message(said)),
        )
        is_new = cursor.rowcount == 1
        are_new.append(is_new)
        if is_new:
            firsts.setdefault(lane, (cursor.lastrowid or 0, received_at))
            if (said_at := parse_ts(said.timestamp)) is not None:
                heard[lane] = max(to_micros(said_at), heard.get(lane, 0))
    for lane, (place, received_at) in firsts.items():
        _join_lane(connection, lane, place, received_at)
    connection.executemany(
        "UPDATE lanes SET heard_until = max(ifnull(heard_until, 0), ?) WHERE id = ?",
        [(said_at, lane) for lane, said_at in heard.items()],
    )
    return are_new


def claim(connection: sqlite3.Connection, channels: int, limit: int, now: int, until: int) -> list[Claim]:
    """The first entries of the channels that have waited longest."""
    end_claims(connection, now)
    connection.execute("UPDATE lanes SET not_before = NULL WHERE not_before IS NOT NULL AND not_before <= ?", (now,))
    ready = connection.execute(
        "SELECT id, channel_id, is_interrupted FROM lanes WHERE head IS NOT NULL AND lease_until IS NULL "
        "AND not_before IS NULL ORDER BY head_at, head LIMIT ?",
        (channels,),
    ).fetchall()
    claims = []
    for lane, channel_id, is_interrupted in ready:
        rows = connection.execute(
            f"SELECT place, {_ENTRY} FROM outbox WHERE lane = ? AND state = 'waiting' ORDER BY place LIMIT ?",
            (lane, limit),
        ).fetchall()
        connection.execute("UPDATE lanes SET lease_until = ?, claimed_to = ? WHERE id = ?", (until, rows[-1][0], lane))
        entries = tuple(_entry(row[1:]) for row in rows)
        claims.append(Claim(ChannelId(channel_id), entries, bool(is_interrupted)))
    return claims


def done(connection: sqlite3.Connection, key: str) -> bool:
    """Out of what waits or was set aside; only the key stays. False when there is no such entry."""
    row = connection.execute("SELECT lane, place FROM outbox WHERE key = ? AND state <> 'done'", (key,)).fetchone()
    if row is None:
        return False
    lane, place = row
    connection.execute("UPDATE outbox SET state = 'done', said = '', reason = '' WHERE place = ?", (place,))
    _leave_lane(connection, lane, place)
    return True


def set_aside(connection: sqlite3.Connection, key: str, reason: str) -> None:
    """Out of the lane, but kept."""
    row = connection.execute("SELECT lane, place FROM outbox WHERE key = ? AND state = 'waiting'", (key,)).fetchone()
    if row is not None:
        lane, place = row
        connection.execute("UPDATE outbox SET state = 'set aside', reason = ? WHERE place = ?", (reason, place))
        _leave_lane(connection, lane, place)


def give_back(
    connection: sqlite3.Connection, channel_id: ChannelId, not_before: int | None, refused_at: int | None
) -> None:
    """End the claim on a channel. No effect when it ran out."""
    if refused_at is not None:
        connection.execute(
            "UPDATE outbox SET refusals = refusals + 1, first_refused_at = ifnull(first_refused_at, ?) WHERE place = "
            "(SELECT head FROM lanes WHERE channel_id = ? AND lease_until IS NOT NULL AND head <= claimed_to)",
            (refused_at, channel_id),
        )
    connection.execute(
        "UPDATE lanes SET lease_until = NULL, claimed_to = NULL, not_before = iif(head IS NULL, NULL, ?) "
        "WHERE channel_id = ? AND lease_until IS NOT NULL",
        (not_before, channel_id),
    )


def extend(connection: sqlite3.Connection, channel_id: ChannelId, until: int) -> None:
    """Move the end of a lease. No effect when it ran out."""
    connection.execute(
        "UPDATE lanes SET lease_until = ? WHERE channel_id = ? AND lease_until IS NOT NULL", (until, channel_id)
    )


def next_due(connection: sqlite3.Connection) -> datetime | None:
    """When the first paused channel may be claimed."""
    (due,) = connection.execute("SELECT min(not_before) FROM lanes WHERE not_before IS NOT NULL").fetchone()
    return optional_from_micros(due)


def depth(connection: sqlite3.Connection) -> Backlog:
    """How much waits, by the tallies."""
    counts = dict(connection.execute("SELECT state, rows FROM tallies WHERE kind = 'outbox'"))
    (oldest,) = connection.execute("SELECT min(received_at) FROM outbox WHERE state = 'waiting'").fetchone()
    return Backlog(counts.get("waiting", 0), counts.get("set aside", 0), optional_from_micros(oldest))


def page(
    connection: sqlite3.Connection, state: str, after: tuple[int, int]
) -> list[tuple[tuple[int, int], OutboxEntry]]:
    """The next entries by age, each with where to go on after it."""
    found = connection.execute(
        f"SELECT received_at, place, {_ENTRY} FROM outbox WHERE state = ? AND (received_at, place) > (?, ?) "
        "ORDER BY received_at, place LIMIT ?",
        (state, *after, _PAGE),
    )
    return [((row[0], row[1]), _entry(row[2:])) for row in found]


def revive(connection: sqlite3.Connection, key: str) -> bool:
    """From set aside to the end of its lane."""
    row = connection.execute(
        "UPDATE outbox SET state = 'waiting', place = (SELECT max(place) + 1 FROM outbox), refusals = 0, "
        "first_refused_at = NULL, reason = '' WHERE key = ? AND state = 'set aside' RETURNING lane, place, received_at",
        (key,),
    ).fetchall()
    for lane, place, received_at in row:
        _join_lane(connection, lane, place, received_at)
    return bool(row)


def discard(connection: sqlite3.Connection, key: str) -> bool:
    """Likewise `done`, unless somebody has it."""
    is_claimed = connection.execute(
        "SELECT 1 FROM outbox JOIN lanes ON lane = id WHERE key = ? AND state = 'waiting' "
        "AND lease_until IS NOT NULL AND place <= claimed_to",
        (key,),
    ).fetchone()
    return not is_claimed and done(connection, key)


def forget(connection: sqlite3.Connection, before: int) -> int:
    """Drop the keys of what is done; how many, at most PIECE."""
    return connection.execute(
        "DELETE FROM outbox WHERE place IN "
        "(SELECT place FROM outbox WHERE state = 'done' AND received_at < ? ORDER BY received_at LIMIT ?)",
        (before, PURGE_BATCH),
    ).rowcount


def _lane(connection: sqlite3.Connection, channel_id: ChannelId) -> int:
    connection.execute("INSERT INTO lanes (channel_id) VALUES (?) ON CONFLICT DO NOTHING", (channel_id,))
    (lane,) = connection.execute("SELECT id FROM lanes WHERE channel_id = ?", (channel_id,)).fetchone()
    return int(lane)


def _join_lane(connection: sqlite3.Connection, lane: int, place: int, received_at: int) -> None:
    """An entry came in at the end of the lane: it is the first when there was none."""
    connection.execute(
        "UPDATE lanes SET head = ?, head_at = ? WHERE id = ? AND head IS NULL", (place, received_at, lane)
    )


def _leave_lane(connection: sqlite3.Connection, lane: int, place: int) -> None:
    """An entry is out of the lane: when it was the first, the next one is."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = 0, (head, head_at) = (SELECT place, received_at FROM outbox "
        "WHERE lane = lanes.id AND state = 'waiting' ORDER BY place LIMIT 1) WHERE id = ? AND head = ?",
        (lane, place),
    )
    connection.execute("UPDATE lanes SET not_before = NULL WHERE id = ? AND head IS NULL", (lane,))


def _entry(row: tuple[Any, ...]) -> OutboxEntry:
    said, received_at, refusals, first_refused_at, reason = row
    return OutboxEntry(
        load_message(said), from_micros(received_at), refusals, optional_from_micros(first_refused_at), reason
    )
