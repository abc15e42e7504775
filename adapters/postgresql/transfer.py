"""Whole databases: the rows of all tables. Uptimes stay as they are."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from adapters.postgresql import transfer_rows as rows_of
from adapters.postgresql.copying import CopyLock, marks_of
from adapters.postgresql.database import Database, transaction
from adapters.postgresql.session import Session
from application.ports.transfer import ChannelRecord, CopyMarks, GapRecord, GeneralRecord, Record

_PAGES: Final[Sequence[tuple[str, rows_of.Row, Callable[[rows_of.Row], Record]]]] = (
    (rows_of.LANES, ("",), rows_of.lane_record),
    (rows_of.ENTRIES, (0,), rows_of.entry_record),
    (rows_of.KEYS, ("",), rows_of.key_record),
    (rows_of.MESSAGE_KEYS, ("", ""), rows_of.message_key_record),
)
"""Each with the key before its first row."""
_COUNTS: Final = """SELECT
    (SELECT count(*) FROM flyte_slack.outbox WHERE state = 'waiting'),
    (SELECT count(*) FROM flyte_slack.outbox WHERE state = 'set aside'),
    (SELECT count(*) FROM flyte_slack.recognised_keys),
    (SELECT count(*) FROM flyte_slack.journal),
    (SELECT count(*) FROM flyte_slack.steps),
    (SELECT count(*) FROM flyte_slack.message_keys),
    (SELECT count(*) FROM flyte_slack.joined),
    (SELECT count(*) FROM flyte_slack.gaps)"""
_COUNTED: Final = (
    *("waiting messages", "dead letters", "recognised keys", "actions", "steps", "message keys", "channels", "gaps"),
)
_GENERAL: Final = """SELECT now, steady_at, (SELECT min(since) FROM flyte_slack.poll_sessions),
    (SELECT channel_ids FROM flyte_slack.unjoined_memberships), connected_at, team_id, bot_id
    FROM flyte_slack.storage, flyte_slack.clock"""
_TABLES: Final = (
    *("outbox", "lanes", "recognised_keys", "steps", "journal", "action_lanes", "message_keys", "joined"),
    *("unjoined_memberships", "gaps", "rates", "poll_sessions"),
)
_CLEARED_AT_ONCE: Final = 20_000


class PostgresTransfer:
    """Implements Transfer."""

    def __init__(self, database: Database, lock: CopyLock) -> None:
        self.database = database
        self._lock = lock

    @transaction
    async def marks(self, session: Session) -> CopyMarks:
        return await marks_of(session)

    @transaction
    async def set_marks(self, session: Session, marks: CopyMarks) -> None:
        await self._lock.keep(session)
        await session.send(
            "UPDATE flyte_slack.storage SET copy_out = %s, copy_in = %s, is_incomplete = %s, moved_to = %s",
            (marks.outgoing, marks.incoming, marks.is_incomplete, marks.moved_to),
        )

    async def counts(self) -> Mapping[str, int]:
        [counts] = await self.database.fetch(_COUNTS)
        return dict(zip(_COUNTED, counts, strict=True))

    async def export(self) -> AsyncIterator[Sequence[Record]]:
        yield [await self._general()]
        for statement, first_key, record_of in _PAGES:
            after = first_key
            while rows := await self.database.fetch(statement, after):
                yield [record_of(row) for row in rows]
                after = rows[-1][: len(first_key)]
        after = (0,)
        while rows := await self.database.fetch(rows_of.ACTIONS, after):
            yield rows_of.action_records(rows, await self.database.fetch(rows_of.STEPS, ([row[0] for row in rows],)))
            after = rows[-1][:1]
        yield [ChannelRecord(*row) for row in await self.database.fetch(rows_of.CHANNELS)]
        yield [GapRecord(*row) for row in await self.database.fetch(rows_of.GAPS)]
        yield [rows_of.rate_record(row) for row in await self.database.fetch(rows_of.RATES)]

    async def clear(self) -> None:
        for table in _TABLES:
            while await self._clear(table):
                pass

    @transaction
    async def add(self, session: Session, records: Sequence[Record]) -> None:
        await self._lock.keep(session)
        for kind, same in groupby(records, type):
            batch: list[Any] = list(same)
            if kind is GeneralRecord:
                await self._add_general(session, batch[0])
                continue
            for statement, rows_in in rows_of.INSERTS[kind]:
                async with session.cursor() as cursor:
                    await cursor.executemany(statement.encode(), [row for record in batch for row in rows_in(record)])

    @transaction
    async def finish(self, session: Session) -> None:
        await self._lock.keep(session)
        for statement in rows_of.FINISH:
            await session.send(statement)

    async def _general(self) -> GeneralRecord:
        [(uptime, steady_at, polling_since, unjoined, *others)] = await self.database.fetch(_GENERAL)
        return GeneralRecord(uptime, steady_at, polling_since, None if unjoined is None else tuple(unjoined), *others)

    async def _add_general(self, session: Session, record: GeneralRecord) -> None:
        await session.send(
            "UPDATE flyte_slack.uptime SET micros = %s, seen_at = flyte_slack.server_clock()", (record.uptime,)
        )
        await self._lock.begin_anew(session)
        await session.send(
            "UPDATE flyte_slack.storage SET steady_at = %s, connected_at = %s, "
            "team_id = coalesce(nullif(%s, ''), team_id), bot_id = coalesce(nullif(%s, ''), bot_id)",
            (record.steady_at, record.connected_at, record.team_id, record.bot_id),
        )
        if record.polling_since is not None:
            await session.send("INSERT INTO flyte_slack.poll_sessions (since) VALUES (%s)", (record.polling_since,))
        if record.unjoined_memberships is not None:
            await session.send(
                "INSERT INTO flyte_slack.unjoined_memberships (channel_ids) VALUES (%s::text[])",
                (list(record.unjoined_memberships),),
            )

    @transaction
    async def _clear(self, session: Session, table: str) -> bool:
        """Returns whether rows may be left."""
        await self._lock.keep(session)
        rows = await session.fetch(
            f"WITH gone AS (DELETE FROM flyte_slack.{table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM "
            f"flyte_slack.{table} LIMIT {_CLEARED_AT_ONCE})) RETURNING true) SELECT count(*) FROM gone"
        )
        return bool(rows[0][0])
