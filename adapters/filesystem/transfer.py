"""Whole directories: all rows of the SQLite file, and the joined channels.

Places and uptimes are copied as they are. A damaged value becomes another one that can't be read.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from adapters.filesystem import transfer_rows as rows_of
from adapters.filesystem.channels import FileChannels
from adapters.filesystem.copy_marks import read_marks, write_marks
from adapters.filesystem.database import Database, transaction
from adapters.filesystem.rate_limits import save_rates, saved_rates
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import to_micros
from application.ports.clock import Clock
from application.ports.transfer import (
    ChannelRecord,
    CopyMarks,
    GapRecord,
    GeneralRecord,
    RateRecord,
    Record,
)
from domain.channels import ChannelId, JoinedChannels

_FIRST: rows_of.Row = (0,)
_FIRST_ACTION: rows_of.Row = (-1, 0)
_PAGES: tuple[tuple[str, rows_of.Row, Callable[[rows_of.Row], Record]], ...] = (
    (rows_of.LANES, _FIRST, rows_of.lane_of),
    (rows_of.ENTRIES, _FIRST, rows_of.entry_of),
    (rows_of.KEYS, _FIRST, rows_of.key_of),
    (rows_of.MESSAGE_KEYS, ("", ""), rows_of.message_key_of),
)
"""Each with the key before its first row."""
_COUNTS = """
    SELECT 'waiting messages', (SELECT total(rows) FROM tallies WHERE kind = 'outbox' AND state = 'waiting')
    UNION ALL SELECT 'dead letters', (SELECT total(rows) FROM tallies WHERE kind = 'outbox' AND state = 'set aside')
    UNION ALL SELECT 'recognised keys', (SELECT count(*) FROM outbox WHERE state = 'done')
    UNION ALL SELECT 'actions', (SELECT count(*) FROM journal)
    UNION ALL SELECT 'steps', (SELECT count(*) FROM steps)
    UNION ALL SELECT 'message keys', (SELECT count(*) FROM message_keys)
    UNION ALL SELECT 'gaps', (SELECT count(*) FROM gaps)
"""
_TABLES: Final = (
    *("outbox", "lanes", "journal", "message_keys", "joined", "bystanders", "gaps", "taking", "steady"),
    *("paces", "pauses"),
)


class FileTransfer:
    """Implements Transfer."""

    def __init__(
        self, directory: Path, database: Database, channels: FileChannels, uptime: Uptime, clock: Clock
    ) -> None:
        self.database = database
        self._directory = directory
        self._channels = channels
        self._uptime = uptime
        self._clock = clock

    async def marks(self) -> CopyMarks:
        return await asyncio.to_thread(read_marks, self._directory)

    async def set_marks(self, marks: CopyMarks) -> None:
        await asyncio.to_thread(write_marks, self._directory, marks)

    async def counts(self) -> Mapping[str, int]:
        return {**await self._counts(), "channels": len(await self._known_channels())}

    async def export(self) -> AsyncIterator[Sequence[Record]]:
        yield [await self._general()]
        for statement, first_key, make in _PAGES:
            after = first_key
            while rows := await self._rows(statement, after):
                yield [make(row) for row in rows]
                after = rows[-1][: len(first_key)]
        for statement in rows_of.ACTIONS:
            after = _FIRST_ACTION
            while rows := await self._rows(statement, after):
                after = rows[-1][: len(after)]
                places = json.dumps([place for _, place, *_ in rows])
                yield rows_of.actions_of(rows, await self._rows(rows_of.STEPS, (places,)))
        yield await self._known_channels()
        yield [GapRecord(*row) for row in await self._rows("SELECT channel_id, after_at, until_at FROM gaps")]
        yield await self._rates()

    async def clear(self) -> None:
        await self._clear()
        await self._channels.replace(JoinedChannels())

    async def add(self, records: Sequence[Record]) -> None:
        for kind, same in groupby(records, type):
            batch: list[Any] = list(same)
            await self._insert(kind, batch)
            if kind is ChannelRecord:
                joined = (await self._channels.joined()).ids
                added = (ChannelId(record.channel_id) for record in batch if record.is_joined)
                await self._channels.replace(JoinedChannels((*joined, *added)))

    @transaction
    def finish(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE lanes SET (head, head_at) = (SELECT place, uptime FROM outbox "
            "WHERE lane = lanes.id AND state = 'waiting' ORDER BY place LIMIT 1)"
        )

    @transaction
    def _counts(self, connection: sqlite3.Connection) -> dict[str, int]:
        return {name: int(count) for name, count in connection.execute(_COUNTS)}

    @transaction
    def _general(self, connection: sqlite3.Connection) -> GeneralRecord:
        steady_at, polling_since, unjoined = (
            next(connection.execute(statement), (None,))[0]
            for statement in (
                "SELECT at FROM steady",
                "SELECT min(since) FROM taking",
                "SELECT channel_ids FROM bystanders",
            )
        )
        memberships = tuple(json.loads(unjoined)) if unjoined else None
        return GeneralRecord(self._uptime.now(), steady_at, polling_since, memberships)

    @transaction
    def _rows(self, connection: sqlite3.Connection, statement: str, values: rows_of.Row = ()) -> list[rows_of.Row]:
        return connection.execute(statement, values).fetchall()

    async def _known_channels(self) -> list[ChannelRecord]:
        times = dict(await self._rows("SELECT channel_id, at FROM joined ORDER BY channel_id"))
        joined = (await self._channels.joined()).ids
        former = [ChannelRecord(name, since, is_joined=False) for name, since in times.items() if name not in joined]
        return [*(ChannelRecord(name, times.get(name), is_joined=True) for name in joined), *former]

    @transaction
    def _rates(self, connection: sqlite3.Connection) -> list[RateRecord]:
        return [RateRecord(*row) for row in saved_rates(connection, to_micros(self._clock.now()))]

    @transaction
    def _clear(self, connection: sqlite3.Connection) -> None:
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table}")

    @transaction
    def _insert(self, connection: sqlite3.Connection, kind: type[Record], records: Sequence[Any]) -> None:
        if kind is GeneralRecord:
            self._insert_general(connection, records[0])
        elif kind is RateRecord:
            save_rates(connection, to_micros(self._clock.now()), map(_rate, records))
        else:
            for statement, rows in rows_of.INSERTS[kind]:
                connection.executemany(statement, [row for record in records for row in rows(record)])

    def _insert_general(self, connection: sqlite3.Connection, record: GeneralRecord) -> None:
        connection.execute("REPLACE INTO uptime (rowid, micros) VALUES (1, ?)", (record.uptime,))
        self._uptime.read(connection)
        for statement, value in (
            ("INSERT INTO steady VALUES (?)", record.steady_at),
            ("INSERT INTO taking VALUES (?)", record.polling_since),
            ("INSERT INTO bystanders VALUES (?)", _as_json(record.unjoined_memberships)),
        ):
            if value is not None:
                connection.execute(statement, (value,))


def _rate(record: RateRecord) -> tuple[str, int, int]:
    return record.name, record.used_for, record.paused_for


def _as_json(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else json.dumps(names)
