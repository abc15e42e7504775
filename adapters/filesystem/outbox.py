"""The outbox in SQLite: entries in order, and a row for each lane that names its first entry and its holder.

`received_at` and `first_refused_at` are microseconds since 1970; what is measured is measured in uptime.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from adapters.filesystem.ages import purge, with_oldest
from adapters.filesystem.database import Database, transaction
from adapters.filesystem.lanes import append_to_lane, end_claim, expire_claims, lane_id, remove_from_lane
from adapters.filesystem.outbox_entries import ENTRY, deliver, set_unreadable_aside
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import Unreadable, dump_event, to_micros
from adapters.sql.outbox_rows import load_dead_letter, load_entry, message_micros
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.errors import LeaseLost
from domain.outbox import Backlog, Claim, Lane, Lease, OutboxEntry

_PAGE_SIZE = 200
_BEFORE_ALL = (-(2**62), 0)


class FileOutbox:
    """Implements Outbox."""

    def __init__(
        self, database: Database, clock: Clock, uptime: Uptime, is_joined: Callable[[ChannelId], bool]
    ) -> None:
        self.database = database
        self.subscribers: list[Callable[[], None]] = []
        """Called when entries are about to be appended. Requests made from then on are performed after the append."""
        self._is_joined = is_joined
        self._clock = clock
        self._uptime = uptime
        self._tokens = count(1)
        self._current: dict[Lane, int] = {}
        """The token of each lane's latest claim: nothing can be done by an earlier one."""

    async def append(
        self,
        entries: Sequence[OutboxEntry],
        *,
        within_seconds: float | None = None,
        only_if_joined: Collection[ChannelId] = (),
    ) -> list[bool]:
        appended = self.database.submit(
            partial(self._append, entries, frozenset(only_if_joined)), within_seconds=within_seconds
        )
        for notify in self.subscribers:
            notify()
        return await appended

    async def claim(
        self, lanes: int, entries: int, lease_seconds: float, *, held: Sequence[Claim] = (), min_priority: int = 0
    ) -> list[Claim]:
        current = [claim.lane for claim in held if self._is_current(claim)]
        claims = await self._claim(lanes, entries, lease_seconds, current, min_priority)
        self._current.update({claim.lane: claim.lease.token for claim in claims})
        return claims

    async def ack(self, claim: Claim, entry: OutboxEntry, *, releases: bool = False) -> None:
        self._check_current(claim)
        await self._ack(entry, claim.lane if releases else None)

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        self._check_current(claim)
        await self._dead_letter(entry, reason)

    async def release(self, claim: Claim, *, retry_after_seconds: float = 0, rejected: bool = False) -> None:
        if not self._is_current(claim) or not await self._release(claim.lane, retry_after_seconds, rejected=rejected):
            raise LeaseLost(claim.lane)

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
        return with_oldest(Backlog(counts.get("waiting", 0), counts.get("set aside", 0)), oldest, self._uptime)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[OutboxEntry]:
        state, after = ("set aside" if dead_lettered else "waiting"), _BEFORE_ALL
        while page := await self._page(state, after):
            for _, entry in page:
                if entry is not None:
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
            append_to_lane(connection, lane, place, uptime)
        return bool(rows)

    @transaction
    def discard(self, connection: sqlite3.Connection, key: str) -> bool:
        is_claimed = connection.execute(
            "SELECT 1 FROM outbox JOIN lanes ON lane = id WHERE key = ? AND state = 'waiting' "
            "AND lease_until IS NOT NULL AND place <= claimed_to",
            (key,),
        ).fetchone()
        if is_claimed:
            return False
        self.database.empty_log_soon()
        return deliver(connection, key, self._uptime)

    async def purge(self, older_than: timedelta) -> int:
        return await purge(self.database, self._uptime, "outbox", "place", older_than, condition="state = 'done'")

    def _append(
        self, entries: Sequence[OutboxEntry], only_if_joined: frozenset[ChannelId], connection: sqlite3.Connection
    ) -> list[bool]:
        left_out = {channel_id for channel_id in only_if_joined if not self._is_joined(channel_id)}
        lanes: dict[Lane, int] = {}
        firsts: dict[int, int] = {}
        message_times: dict[int, int] = {}
        are_new = []
        uptime = self._uptime.now()
        for entry in entries:
            if entry.event.channel_id in left_out:
                are_new.append(False)
                continue
            lane = lanes.get(entry.lane) or lanes.setdefault(
                entry.lane, lane_id(connection, entry.lane, entry.priority)
            )
            cursor = connection.execute(
                "INSERT INTO outbox (key, lane, kind, state, received_at, is_backfilled, said, uptime, traceparent) "
                "VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (
                    entry.key,
                    lane,
                    entry.kind.value,
                    to_micros(entry.received_at),
                    entry.is_backfilled,
                    dump_event(entry.event),
                    uptime,
                    entry.trace_parent,
                ),
            )
            is_new = cursor.rowcount == 1
            are_new.append(is_new)
            if is_new:
                firsts.setdefault(lane, cursor.lastrowid or 0)
                message_times[lane] = max(message_micros(entry), message_times.get(lane, 0))
        for lane, place in firsts.items():
            append_to_lane(connection, lane, place, uptime)
        connection.executemany(
            "UPDATE lanes SET heard_until = nullif(max(ifnull(heard_until, 0), ?), 0), uptime = ? WHERE id = ?",
            [(message_at, uptime, lane) for lane, message_at in message_times.items()],
        )
        return are_new

    @transaction
    def _ack(self, connection: sqlite3.Connection, entry: OutboxEntry, released: Lane | None) -> None:
        deliver(connection, entry.key, self._uptime)
        if released is not None:
            end_claim(connection, released)
        if entry.kind.is_interaction:
            self.database.empty_log_soon()

    @transaction
    def _dead_letter(self, connection: sqlite3.Connection, entry: OutboxEntry, reason: str) -> None:
        row = connection.execute(
            "SELECT lane, place FROM outbox WHERE key = ? AND state = 'waiting'", (entry.key,)
        ).fetchone()
        if row is not None:
            lane, place = row
            connection.execute("UPDATE outbox SET state = 'set aside', reason = ? WHERE place = ?", (reason, place))
            remove_from_lane(connection, lane, place)

    @transaction
    def _claim(
        self,
        connection: sqlite3.Connection,
        lanes: int,
        entries: int,
        lease_seconds: float,
        held: Sequence[Lane],
        min_priority: int,
    ) -> list[Claim]:
        now, until = self._uptime.now(), self._uptime.after(lease_seconds)
        half = self._uptime.after(lease_seconds / 2)
        connection.executemany(
            "UPDATE lanes SET lease_until = ? WHERE name = ? AND lease_until < ?",
            [(until, lane, half) for lane in held],
        )
        expire_claims(connection, "lease_until IS NOT NULL AND lease_until <= ?", now)
        connection.execute(
            "UPDATE lanes SET not_before = NULL WHERE not_before IS NOT NULL AND not_before <= ?", (now,)
        )
        ready = connection.execute(
            "SELECT id, name, is_interrupted FROM lanes WHERE head IS NOT NULL AND lease_until IS NULL "
            "AND not_before IS NULL AND priority >= ? ORDER BY priority DESC, head_at, head LIMIT ?",
            (min_priority, lanes),
        ).fetchall()
        claims = []
        for lane, name, is_interrupted in ready:
            first = self._first_entries(connection, lane, entries)
            if not first:
                continue
            (_, refused_uptime, _), (last, *_) = first[0], first[-1]
            connection.execute("UPDATE lanes SET lease_until = ?, claimed_to = ? WHERE id = ?", (until, last, lane))
            claims.append(
                Claim(
                    Lease(Lane(name), next(self._tokens)),
                    tuple(entry for *_, entry in first),
                    previous_lease_expired=bool(is_interrupted),
                    rejected_seconds=self._rejected_seconds(refused_uptime),
                )
            )
        return claims

    def _rejected_seconds(self, refused_uptime: object) -> float:
        return max(0.0, self._uptime.seconds_since(refused_uptime)) if isinstance(refused_uptime, int) else 0.0

    def _first_entries(
        self, connection: sqlite3.Connection, lane: int, limit: int
    ) -> list[tuple[int, object, OutboxEntry]]:
        """Returns the first entries that wait in a lane, each with its place and the uptime of its first refusal.

        Sets those aside that are unreadable. Empties a lane that has no others.
        """
        while rows := connection.execute(
            f"SELECT refused_uptime, {ENTRY} FROM outbox WHERE lane = ? AND state = 'waiting' ORDER BY place LIMIT ?",
            (lane, limit),
        ).fetchall():
            entries = [(place, refused, self._entry(connection, (place, *row))) for refused, place, *row in rows]
            if first := [(place, refused, entry) for place, refused, entry in entries if entry is not None]:
                return first
        connection.execute("UPDATE lanes SET head = NULL, head_at = NULL, not_before = NULL WHERE id = ?", (lane,))
        return []

    def _entry(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> OutboxEntry | None:
        """Returns a waiting entry. Sets it aside if it is unreadable, and returns None."""
        try:
            return load_entry(row)
        except Unreadable as error:
            set_unreadable_aside(connection, row[0], str(error), self._clock)
            return None

    @transaction
    def _release(
        self, connection: sqlite3.Connection, lane: Lane, retry_after_seconds: float, *, rejected: bool
    ) -> bool:
        """Ends the claim on a lane. Returns False if its lease has expired."""
        if rejected:
            connection.execute(
                "UPDATE outbox SET refusals = refusals + 1, first_refused_at = ifnull(first_refused_at, ?), "
                "refused_uptime = ifnull(refused_uptime, ?) WHERE place = "
                "(SELECT head FROM lanes WHERE name = ? AND lease_until IS NOT NULL AND head <= claimed_to)",
                (to_micros(self._clock.now()), self._uptime.now(), lane),
            )
        return end_claim(connection, lane, self._uptime.after(retry_after_seconds) if retry_after_seconds else None)

    @transaction
    def _renew(self, connection: sqlite3.Connection, lane: Lane, lease_seconds: float) -> bool:
        """Moves the end of a lease. Returns False if it has expired."""
        until = self._uptime.after(lease_seconds)
        cursor = connection.execute(
            "UPDATE lanes SET lease_until = ? WHERE name = ? AND lease_until IS NOT NULL", (until, lane)
        )
        return cursor.rowcount == 1

    @transaction
    def _page(
        self, connection: sqlite3.Connection, state: str, after: tuple[int, int]
    ) -> list[tuple[tuple[int, int], OutboxEntry | None]]:
        """Returns the next entries by age, each with its position; None for one that was unreadable."""
        rows = connection.execute(
            f"SELECT uptime, {ENTRY} FROM outbox WHERE state = ? AND (uptime, place) > (?, ?) "
            "ORDER BY uptime, place LIMIT ?",
            (state, *after, _PAGE_SIZE),
        ).fetchall()
        if state == "set aside":
            return [((uptime, row[0]), load_dead_letter(row)) for uptime, *row in rows]
        return [((uptime, row[0]), self._entry(connection, tuple(row))) for uptime, *row in rows]

    def _is_current(self, claim: Claim) -> bool:
        return self._current.get(claim.lane) == claim.lease.token

    def _check_current(self, claim: Claim) -> None:
        if not self._is_current(claim):
            raise LeaseLost(claim.lane)
