"""Repairs values that no program writes into the file, so that they disturb no later start.

Entries that wait are checked when they are read: there may be a million.
"""

import json
import sqlite3
from collections.abc import Sequence

import structlog

from adapters.filesystem import journal_entries, outbox_entries
from adapters.filesystem.lanes import lane_id
from adapters.filesystem.schema import MAX_CHECKED_BYTES
from adapters.filesystem.uptime import SAVE_AFTER, Uptime
from adapters.sql.codec import Unreadable, from_micros, is_time, load_event, to_micros
from application.ports.clock import Clock
from domain.outbox import outbox_entry
from domain.rate_limits import MAX_PAUSE_SECONDS

log = structlog.get_logger()

_STATES = {
    "outbox": ("waiting", "set aside", "done"),
    "journal": ("taken", "executing", "concluded", "set aside", "finished"),
}
_LANES_OF_WAITING = """
    WITH RECURSIVE lanes (lane) AS (
        SELECT min(lane) FROM outbox INDEXED BY outbox_by_lane WHERE state = 'waiting'
        UNION ALL
        SELECT (SELECT min(lane) FROM outbox INDEXED BY outbox_by_lane WHERE state = 'waiting' AND lane > lanes.lane)
        FROM lanes WHERE lanes.lane IS NOT NULL
    ) SELECT lane FROM lanes
"""
"""Makes one look-up in the index for each lane instead of one for each entry."""
_LANES_OF_DEAD_LETTERS = "SELECT DISTINCT lane FROM outbox WHERE state = 'set aside'"
_DAY = 86_400_000_000
"""Microseconds."""
_LATEST = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
_LONGEST_PAUSE = int(MAX_PAUSE_SECONDS * 1_000_000)
_IS_OUT_OF_RANGE = "(typeof({0}) <> 'integer' OR {0} NOT BETWEEN 0 AND {1})"


class Repair:
    """Repairs the tables within one transaction, at the start of a process that uses the file alone."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, uptime: Uptime) -> None:
        self._connection = connection
        self._clock = clock
        self._now = to_micros(clock.now())
        self._uptime = uptime.now()
        self._latest = self._uptime + SAVE_AFTER

    def run(self) -> None:
        """Repairs everything, and logs what it repaired."""
        self._set_unknown_states_aside()
        self._repair_dead_letters()
        self._repair_uptimes()
        self._repair_lanes()
        self._repair_tallies()
        self._repair_channels()
        self._repair_message_keys()
        self._repair_poll_session()

    def _set_unknown_states_aside(self) -> None:
        aside = {"outbox": outbox_entries.set_unreadable_aside, "journal": journal_entries.set_unreadable_aside}
        for table, states in _STATES.items():
            known = ", ".join(f"'{state}'" for state in states)
            if self._connection.execute(
                f"SELECT 1 FROM tallies WHERE kind = '{table}' AND state NOT IN ({known})"
            ).fetchone():
                rows = self._connection.execute(f"SELECT place FROM {table} WHERE state NOT IN ({known})").fetchall()
                for (place,) in rows:
                    aside[table](self._connection, place, "its state is unknown", self._clock)

    def _repair_dead_letters(self) -> None:
        """Gives every dead letter a key, which commands need to address it."""
        for table, key in (("outbox", "key"), ("journal", "id")):
            rows = self._connection.execute(f"SELECT place, {key} FROM {table} WHERE state = 'set aside'").fetchall()
            places = [place for place, name in rows if not isinstance(name, str) or not name]
            self._connection.executemany(
                f"UPDATE {table} SET {key} = 'unreadable:' || place WHERE place = ?", [(place,) for place in places]
            )
            self._report(table, key, len(places))

    def _repair_uptimes(self) -> None:
        """Nothing can have happened later than now. Anything but a number counts as later."""
        lanes = self._change("UPDATE lanes SET uptime = ? WHERE uptime NOT BETWEEN 0 AND ?", self._uptime, self._latest)
        self._report("lanes", "uptime", lanes)
        for table, states in _STATES.items():
            repaired = 0
            for state in states:
                for condition in (f"uptime > {self._latest}", "uptime < 0"):  # one by one, which the index supports
                    statement = f"UPDATE {table} SET uptime = ? WHERE state = '{state}' AND {condition}"
                    repaired += self._change(statement, self._uptime)
            self._report(table, "uptime", repaired)

    def _repair_lanes(self) -> None:
        self._add_missing_lanes()
        rows = self._connection.execute("SELECT id, name, heard_until FROM lanes").fetchall()
        for lane, name, heard_until in rows:
            if not isinstance(name, str) or not name:
                self._change("UPDATE OR IGNORE lanes SET name = ? WHERE id = ?", f"unreadable:{lane}", lane)
                self._change("UPDATE OR IGNORE lanes SET name = ? WHERE id = ?", self._name_of_entries(lane), lane)
                self._report("lanes", "name", 1)
            if heard_until is not None and not is_time(heard_until):
                self._change("UPDATE lanes SET heard_until = NULL WHERE id = ?", lane)
                self._report("lanes", "heard_until", 1)
        heads = self._change(
            "UPDATE lanes SET (head, head_at) = (SELECT place, uptime FROM outbox WHERE lane = lanes.id "
            "AND state = 'waiting' ORDER BY place LIMIT 1) WHERE head IS NOT (SELECT place FROM outbox "
            "WHERE lane = lanes.id AND state = 'waiting' ORDER BY place LIMIT 1)"
        )
        self._report("lanes", "head", heads)
        self._change(
            "UPDATE lanes SET head_at = ? WHERE head_at IS NOT NULL AND (head_at > ? OR head_at < 0)",
            self._uptime,
            self._uptime,
        )
        self._change("UPDATE lanes SET is_interrupted = 1 WHERE is_interrupted NOT IN (0, 1)")
        priorities = self._change("UPDATE lanes SET priority = 0 WHERE priority NOT IN (0, 1)")
        self._report("lanes", "priority", priorities)

    def _add_missing_lanes(self) -> None:
        """Every entry that waits, or may wait again, needs its lane."""
        known = {lane for (lane,) in self._connection.execute("SELECT id FROM lanes")}
        for state, lanes in (("waiting", _LANES_OF_WAITING), ("set aside", _LANES_OF_DEAD_LETTERS)):
            for (lane,) in self._connection.execute(lanes).fetchall():
                if lane is None or lane in known:
                    continue
                condition = f"lane = {lane}" if isinstance(lane, int) else "typeof(lane) <> 'integer'"
                rows = self._connection.execute(
                    f"SELECT place, kind, said FROM outbox WHERE state = '{state}' AND {condition}"
                ).fetchall()
                for place, *event in rows:
                    new_lane = lane_id(self._connection, *_lane_of(event, place))
                    self._change("UPDATE outbox SET lane = ? WHERE place = ?", new_lane, place)
                self._report("outbox", "lane", len(rows))

    def _name_of_entries(self, lane: int) -> str:
        event = self._connection.execute(
            "SELECT kind, said FROM outbox WHERE lane = ? AND state = 'waiting' ORDER BY place LIMIT 1", (lane,)
        ).fetchone()
        name, _ = _lane_of(event or ("", ""), lane)
        return name

    def _repair_tallies(self) -> None:
        (size,) = self._connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        if size[0] > MAX_CHECKED_BYTES:
            return
        counted = {
            (table, state): count
            for table, states in _STATES.items()
            for state in states
            for (count,) in self._connection.execute(f"SELECT count(*) FROM {table} WHERE state = '{state}'")
            if count
        }
        rows = self._connection.execute("SELECT kind, state, rows FROM tallies WHERE rows IS NOT 0").fetchall()
        if {(kind, state): number for kind, state, number in rows} != counted:
            self._change("DELETE FROM tallies")
            self._connection.executemany(
                "INSERT INTO tallies VALUES (?, ?, ?)", [(*names, count) for names, count in counted.items()]
            )
            self._report("tallies", "rows", 1)

    def _repair_channels(self) -> None:
        """Repairs what is known of channels. One that was joined at an unknown time counts as joined long ago.

        A pause with an impossible time or length is none.
        """
        for table in ("joined", "gaps", "paces", "pauses"):
            names = self._connection.execute(f"SELECT DISTINCT channel_id FROM {table}").fetchall()
            damaged = [(name,) for (name,) in names if not isinstance(name, str) or not name]
            self._connection.executemany(f"DELETE FROM {table} WHERE channel_id = CAST(? AS TEXT)", damaged)
            self._connection.executemany(f"DELETE FROM {table} WHERE channel_id = ?", damaged)
            self._report(table, "channel_id", len(damaged))
        for table, column, value, largest in (
            ("joined", "at", 0, _LATEST),
            ("gaps", "after_at", 0, _LATEST),
            ("gaps", "until_at", self._now, _LATEST),
            ("paces", "used_until", 0, _LATEST),
            ("pauses", "until", 0, _LATEST),
            ("pauses", "lasts", 0, _LONGEST_PAUSE),
        ):
            condition = _IS_OUT_OF_RANGE.format(column, largest)
            repaired = self._change(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {condition}", value)
            self._report(table, column, repaired)
        for (channel_ids,) in self._connection.execute("SELECT channel_ids FROM bystanders").fetchall():
            if not _is_list_of_texts(channel_ids):
                self._change("DELETE FROM bystanders")
                self._report("bystanders", "channel_ids", 1)
                return

    def _repair_message_keys(self) -> None:
        """A key that can't be read is forgotten; a reservation from an unknown time is one from now."""
        rows = self._connection.execute(
            "SELECT CAST(channel_id AS BLOB), CAST(key AS BLOB), CAST(timestamp AS BLOB) FROM message_keys"
        ).fetchall()
        damaged = [
            (channel_id, key) for channel_id, key, *rest in rows if not all(map(_is_text, (channel_id, key, *rest)))
        ]
        self._connection.executemany(
            "DELETE FROM message_keys WHERE CAST(channel_id AS BLOB) = ? AND CAST(key AS BLOB) = ?", damaged
        )
        self._report("message_keys", "key", len(damaged))
        condition = _IS_OUT_OF_RANGE.format("reserved_since", _LATEST)
        reserved = self._change(
            "UPDATE message_keys SET reserved_since = iif(timestamp = '', ?, NULL) "
            f"WHERE (reserved_since IS NOT NULL OR timestamp = '') AND {condition}",
            self._now,
        )
        self._report("message_keys", "reserved_since", reserved)
        condition = _IS_OUT_OF_RANGE.format("uptime", self._latest)
        self._report(
            "message_keys",
            "uptime",
            self._change(f"UPDATE message_keys SET uptime = ? WHERE {condition}", self._uptime),
        )

    def _repair_poll_session(self) -> None:
        condition = _IS_OUT_OF_RANGE.format("since", _LATEST)
        repaired = self._change(f"UPDATE taking SET since = ? WHERE {condition}", self._now - _DAY)
        self._report("taking", "since", repaired)

    def _change(self, statement: str, *values: object) -> int:
        return self._connection.execute(statement, values).rowcount

    def _report(self, table: str, column: str, rows: int) -> None:
        if rows:
            log.warning("state_repaired", table=table, column=column, rows=rows)


def _lane_of(event: Sequence[str], number: int) -> tuple[str, int]:
    """Returns name and priority of the lane of a stored event; another name if the event is unreadable."""
    try:
        entry = outbox_entry(load_event(*event), from_micros(0))
    except Unreadable:
        return f"unreadable:{number}", 0
    return entry.lane, entry.priority


def _is_text(stored: bytes) -> bool:
    try:
        stored.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_list_of_texts(stored: object) -> bool:
    try:
        names = json.loads(stored) if isinstance(stored, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
