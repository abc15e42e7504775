"""The outbox in SQLite: entries in order, and a row for each lane that names its first entry and its holder.

`received_at` and `first_refused_at` are microseconds since 1970; what is measured is measured in uptime.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from adapters.filesystem.codec import dump_message, from_micros, load_message, optional_from_micros, to_micros
from adapters.filesystem.database import Database, transaction
from adapters.filesystem.schema import PURGE_BATCH
from adapters.filesystem.uptime import UNKNOWN, Uptime
from adapters.serialization.timestamps import parse_ts
from application.ports.clock import Clock
from domain.errors import LeaseLost
from domain.outbox import Backlog, Claim, Lane, Lease, OutboxEntry, message_entry

_PAGE_SIZE = 200
_BEFORE_ALL = (-(2**62), 0)
_ENTRY = "said, received_at, is_backfilled, refusals, first_refused_at, reason"
_LONGEST_DELAY_SECONDS = 120
"""No caller delays a lane for longer; what looks longer in the file is wrong."""


class FileOutbox:
    """Implements Outbox."""

    def __init__(self, database: Database, clock: Clock, uptime: Uptime) -> None:
        self.database = database
        self._clock = clock
        self._uptime = uptime
        self._tokens = count(1)
        self._current: dict[Lane, int] = {}
        """The token of each lane's latest claim: only that claim can be released or renewed."""

    @transaction
    def append(self, connection: sqlite3.Connection, entries: Sequence[OutboxEntry]) -> list[bool]:
        lanes: dict[Lane, int] = {}
        firsts: dict[int, int] = {}
        message_times: dict[int, int] = {}
        are_new = []
        uptime = self._uptime.now()
        for entry in entries:
            lane = lanes.get(entry.lane) or lanes.setdefault(entry.lane, _lane_id(connection, entry.lane))
            cursor = connection.execute(
                "INSERT INTO outbox (key, lane, state, received_at, is_backfilled, said, uptime) "
                "VALUES (?, ?, 'waiting', ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (entry.key, lane, to_micros(entry.received_at), entry.is_backfilled, dump_message(entry.event), uptime),
            )
            is_new = cursor.rowcount == 1
            are_new.append(is_new)
            if is_new:
                firsts.setdefault(lane, cursor.lastrowid or 0)
                if (message_at := parse_ts(entry.event.timestamp)) is not None:
                    message_times[lane] = max(to_micros(message_at), message_times.get(lane, 0))
        for lane, place in firsts.items():
            _append_to_lane(connection, lane, place, uptime)
        connection.executemany(
            "UPDATE lanes SET heard_until = max(ifnull(heard_until, 0), ?) WHERE id = ?",
            [(message_at, lane) for lane, message_at in message_times.items()],
        )
        return are_new

    async def claim(self, lanes: int, entries: int, lease_seconds: float, *, held: Sequence[Claim] = ()) -> list[Claim]:
        current = [claim.lane for claim in held if self._is_current(claim)]
        claims = await self._claim(lanes, entries, lease_seconds, current)
        self._current.update({claim.lane: claim.lease.token for claim in claims})
        return claims

    @transaction
    def ack(self, connection: sqlite3.Connection, claim: Claim, entry: OutboxEntry) -> None:
        del claim  # whoever delivered it, the engine has it
        _deliver(connection, entry.key, self._uptime)

    @transaction
    def dead_letter(self, connection: sqlite3.Connection, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        del claim
        row = connection.execute(
            "SELECT lane, place FROM outbox WHERE key = ? AND state = 'waiting'", (entry.key,)
        ).fetchone()
        if row is not None:
            lane, place = row
            connection.execute("UPDATE outbox SET state = 'set aside', reason = ? WHERE place = ?", (reason, place))
            _remove_from_lane(connection, lane, place)

    async def release(self, claim: Claim, *, retry_after_seconds: float = 0, rejected: bool = False) -> None:
        if not self._is_current(claim) or not await self._release(claim.lane, retry_after_seconds, rejected=rejected):
            raise LeaseLost(claim.lane)
        if self._is_current(claim):
            del self._current[claim.lane]

    async def renew_lease(self, claim: Claim, lease_seconds: float) -> None:
        if not self._is_current(claim) or not await self._renew(claim.lane, lease_seconds):
            raise LeaseLost(claim.lane)

    @transaction
    def next_due_seconds(self, connection: sqlite3.Connection) -> float | None:
        (due,) = connection.execute("SELECT min(not_before) FROM lanes WHERE not_before IS NOT NULL").fetchone()
        return None if due is None else -self._uptime.seconds_since(due)

    @transaction
    def backlog(self, connection: sqlite3.Connection) -> Backlog:
        counts = dict(connection.execute("SELECT state, rows FROM tallies WHERE kind = 'outbox'"))
        oldest = connection.execute(
            "SELECT received_at, uptime FROM outbox WHERE state = 'waiting' ORDER BY uptime, place LIMIT 1"
        ).fetchone()
        backlog = Backlog(counts.get("waiting", 0), counts.get("set aside", 0))
        if oldest is None:
            return backlog
        received_at, uptime = oldest
        waited_seconds = self._uptime.seconds_since(uptime)
        return replace(backlog, oldest_at=from_micros(received_at), oldest_waited_seconds=waited_seconds)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[OutboxEntry]:
        state, after = ("set aside" if dead_lettered else "waiting"), _BEFORE_ALL
        while page := await self._page(state, after):
            for _, entry in page:
                yield entry
            after = page[-1][0]

    @transaction
    def requeue(self, connection: sqlite3.Connection, key: str) -> bool:
        uptime = self._uptime.now()
        rows = connection.execute(
            "UPDATE outbox SET state = 'waiting', place = (SELECT max(place) + 1 FROM outbox), uptime = ?, "
            "refusals = 0, first_refused_at = NULL, refused_uptime = NULL, reason = '' "
            "WHERE key = ? AND state = 'set aside' RETURNING lane, place",
            (uptime, key),
        ).fetchall()
        for lane, place in rows:
            _append_to_lane(connection, lane, place, uptime)
        return bool(rows)

    @transaction
    def discard(self, connection: sqlite3.Connection, key: str) -> bool:
        is_claimed = connection.execute(
            "SELECT 1 FROM outbox JOIN lanes ON lane = id WHERE key = ? AND state = 'waiting' "
            "AND lease_until IS NOT NULL AND place <= claimed_to",
            (key,),
        ).fetchone()
        return not is_claimed and _deliver(connection, key, self._uptime)

    async def purge(self, older_than: timedelta) -> int:
        total = purged = await self._purge_batch(older_than)
        while purged == PURGE_BATCH:
            purged = await self._purge_batch(older_than)
            total += purged
        return total

    @transaction
    def _claim(
        self, connection: sqlite3.Connection, lanes: int, entries: int, lease_seconds: float, held: Sequence[Lane]
    ) -> list[Claim]:
        now, until = self._uptime.now(), self._uptime.after(lease_seconds)
        half = self._uptime.after(lease_seconds / 2)
        connection.executemany(
            "UPDATE lanes SET lease_until = ? WHERE channel_id = ? AND lease_until < ?",
            [(until, lane, half) for lane in held],
        )
        _expire_claims(connection, before=now)
        connection.execute(
            "UPDATE lanes SET not_before = NULL WHERE not_before IS NOT NULL AND not_before <= ?", (now,)
        )
        ready = connection.execute(
            "SELECT id, channel_id, is_interrupted FROM lanes WHERE head IS NOT NULL AND lease_until IS NULL "
            "AND not_before IS NULL ORDER BY head_at, head LIMIT ?",
            (lanes,),
        ).fetchall()
        claims = []
        for lane, name, is_interrupted in ready:
            rows = connection.execute(
                f"SELECT place, refused_uptime, {_ENTRY} FROM outbox WHERE lane = ? AND state = 'waiting' "
                "ORDER BY place LIMIT ?",
                (lane, entries),
            ).fetchall()
            connection.execute(
                "UPDATE lanes SET lease_until = ?, claimed_to = ? WHERE id = ?", (until, rows[-1][0], lane)
            )
            refused_uptime = rows[0][1]
            claims.append(
                Claim(
                    Lease(Lane(name), next(self._tokens)),
                    tuple(_entry(row[2:]) for row in rows),
                    previous_lease_expired=bool(is_interrupted),
                    rejected_seconds=0.0 if refused_uptime is None else self._uptime.seconds_since(refused_uptime),
                )
            )
        return claims

    @transaction
    def _release(
        self, connection: sqlite3.Connection, lane: Lane, retry_after_seconds: float, *, rejected: bool
    ) -> bool:
        """Ends the claim on a lane. Returns False if its lease has expired."""
        if rejected:
            connection.execute(
                "UPDATE outbox SET refusals = refusals + 1, first_refused_at = ifnull(first_refused_at, ?), "
                "refused_uptime = ifnull(refused_uptime, ?) WHERE place = "
                "(SELECT head FROM lanes WHERE channel_id = ? AND lease_until IS NOT NULL AND head <= claimed_to)",
                (to_micros(self._clock.now()), self._uptime.now(), lane),
            )
        retry_at = self._uptime.after(retry_after_seconds) if retry_after_seconds else None
        cursor = connection.execute(
            "UPDATE lanes SET lease_until = NULL, claimed_to = NULL, not_before = iif(head IS NULL, NULL, ?) "
            "WHERE channel_id = ? AND lease_until IS NOT NULL",
            (retry_at, lane),
        )
        return cursor.rowcount == 1

    @transaction
    def _renew(self, connection: sqlite3.Connection, lane: Lane, lease_seconds: float) -> bool:
        """Moves the end of a lease. Returns False if it has expired."""
        until = self._uptime.after(lease_seconds)
        cursor = connection.execute(
            "UPDATE lanes SET lease_until = ? WHERE channel_id = ? AND lease_until IS NOT NULL", (until, lane)
        )
        return cursor.rowcount == 1

    @transaction
    def _page(
        self, connection: sqlite3.Connection, state: str, after: tuple[int, int]
    ) -> list[tuple[tuple[int, int], OutboxEntry]]:
        """Returns the next entries by age, each with its position."""
        rows = connection.execute(
            f"SELECT uptime, place, {_ENTRY} FROM outbox WHERE state = ? AND (uptime, place) > (?, ?) "
            "ORDER BY uptime, place LIMIT ?",
            (state, *after, _PAGE_SIZE),
        )
        return [((row[0], row[1]), _entry(row[2:])) for row in rows]

    @transaction
    def _purge_batch(self, connection: sqlite3.Connection, older_than: timedelta) -> int:
        return connection.execute(
            "DELETE FROM outbox WHERE place IN "
            "(SELECT place FROM outbox WHERE state = 'done' AND uptime < ? ORDER BY uptime LIMIT ?)",
            (self._uptime.after(-older_than.total_seconds()), PURGE_BATCH),
        ).rowcount

    def _is_current(self, claim: Claim) -> bool:
        return self._current.get(claim.lane) == claim.lease.token


def end_claims_of_dead_processes(connection: sqlite3.Connection, uptime: Uptime) -> None:
    """Ends all claims, and the delays that no caller asked for. Dates what a program without uptime has written."""
    _expire_claims(connection, before=2**62)
    connection.execute(
        "UPDATE lanes SET not_before = NULL WHERE not_before IS NOT NULL AND not_before > ?",
        (uptime.after(_LONGEST_DELAY_SECONDS),),
    )
    connection.execute(
        "UPDATE outbox SET uptime = ? WHERE state IN ('waiting', 'done') AND uptime = ?", (uptime.now(), UNKNOWN)
    )
    connection.execute("UPDATE lanes SET head_at = ? WHERE head_at > ?", (uptime.now(), uptime.now()))


def _expire_claims(connection: sqlite3.Connection, before: int) -> None:
    """Ends the claims whose lease ends before then."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = ifnull(head <= claimed_to, 0), lease_until = NULL, "
        "claimed_to = NULL WHERE lease_until IS NOT NULL AND lease_until <= ?",
        (before,),
    )


def last_message_at(connection: sqlite3.Connection, lane: Lane) -> datetime | None:
    """Returns the timestamp of the lane's latest message."""
    row = connection.execute("SELECT heard_until FROM lanes WHERE channel_id = ?", (lane,)).fetchone()
    return optional_from_micros(row[0]) if row else None


def active_since(connection: sqlite3.Connection, time: datetime) -> list[Lane]:
    """Returns the lanes whose latest message is not older than that."""
    rows = connection.execute("SELECT channel_id FROM lanes WHERE heard_until >= ?", (to_micros(time),))
    return [Lane(name) for (name,) in rows]


def _deliver(connection: sqlite3.Connection, key: str, uptime: Uptime) -> bool:
    """Keeps only the key of an entry that waits or is dead-lettered. Returns False if there is none."""
    row = connection.execute("SELECT lane, place FROM outbox WHERE key = ? AND state <> 'done'", (key,)).fetchone()
    if row is None:
        return False
    lane, place = row
    connection.execute(
        "UPDATE outbox SET state = 'done', uptime = ?, said = '', reason = '' WHERE place = ?", (uptime.now(), place)
    )
    _remove_from_lane(connection, lane, place)
    return True


def _lane_id(connection: sqlite3.Connection, name: Lane) -> int:
    connection.execute("INSERT INTO lanes (channel_id) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    (lane,) = connection.execute("SELECT id FROM lanes WHERE channel_id = ?", (name,)).fetchone()
    return int(lane)


def _append_to_lane(connection: sqlite3.Connection, lane: int, place: int, uptime: int) -> None:
    """Makes a new entry the first of its lane if there was none."""
    connection.execute("UPDATE lanes SET head = ?, head_at = ? WHERE id = ? AND head IS NULL", (place, uptime, lane))


def _remove_from_lane(connection: sqlite3.Connection, lane: int, place: int) -> None:
    """If the entry was the first of its lane, the next one becomes the first."""
    connection.execute(
        "UPDATE lanes SET is_interrupted = 0, (head, head_at) = (SELECT place, uptime FROM outbox "
        "WHERE lane = lanes.id AND state = 'waiting' ORDER BY place LIMIT 1) WHERE id = ? AND head = ?",
        (lane, place),
    )
    connection.execute("UPDATE lanes SET not_before = NULL WHERE id = ? AND head IS NULL", (lane,))


def _entry(row: tuple[Any, ...]) -> OutboxEntry:
    message, received_at, is_backfilled, rejections, first_rejected_at, reason = row
    return replace(
        message_entry(load_message(message), from_micros(received_at)),
        is_backfilled=bool(is_backfilled),
        rejections=rejections,
        first_rejected_at=optional_from_micros(first_rejected_at),
        dead_letter_reason=reason,
    )
