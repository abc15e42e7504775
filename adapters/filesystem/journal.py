"""The journal in SQLite."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

from adapters.filesystem import journal_rows as rows
from adapters.filesystem.codec import to_micros
from adapters.filesystem.database import Database
from domain.actions import Action, ActionId, JournalEntry, Step
from domain.channels import ChannelId
from domain.events import Outcome
from domain.outbox import Backlog


class FileJournal:
    """The journal port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_poll_session(self, at: datetime) -> datetime | None:
        return await self._database.run(lambda connection: rows.begin_taking(connection, to_micros(at)))

    async def close_poll_session(self) -> None:
        await self._database.run(rows.end_taking)

    async def record(self, action: Action, at: datetime) -> JournalEntry | None:
        return await self._database.run(lambda connection: rows.take_in(connection, action, to_micros(at)))

    async def plan_steps(self, action_id: ActionId, channel_ids: Sequence[ChannelId]) -> None:
        await self._database.run(lambda connection: rows.plan(connection, action_id, channel_ids))

    async def begin_step(self, action_id: ActionId, channel_id: ChannelId, at: datetime) -> None:
        await self._database.run(lambda connection: rows.begin(connection, action_id, channel_id, at))

    async def undo_begin_step(self, action_id: ActionId, channel_id: ChannelId) -> None:
        await self._database.run(lambda connection: rows.retract(connection, action_id, channel_id))

    async def complete_step(self, action_id: ActionId, channel_id: ChannelId, step: Step) -> None:
        await self._database.run(lambda connection: rows.settle(connection, action_id, channel_id, step))

    async def set_outcome(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        await self._database.run(lambda connection: rows.conclude(connection, action_id, outcome, to_micros(at)))

    async def mark_reported(self, action_id: ActionId) -> None:
        await self._database.run(lambda connection: rows.finish(connection, action_id))

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        await self._database.run(lambda connection: rows.set_aside(connection, action_id, reason))

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        return await self._database.run(lambda connection: rows.adopt(connection, limit))

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        return await self._database.run(lambda connection: rows.load(connection, action_id))

    async def backlog(self) -> Backlog:
        return await self._database.run(rows.depth)

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[JournalEntry]:
        after = rows.START
        while page := await self._database.run(partial(rows.page, after=after, set_aside=set_aside)):
            for _, entry in page:
                yield entry
            after = page[-1][0]

    async def requeue(self, action_id: ActionId) -> bool:
        return await self._database.run(lambda connection: rows.revive(connection, action_id))

    async def discard(self, action_id: ActionId) -> bool:
        return await self._database.run(lambda connection: rows.discard(connection, action_id))

    async def purge(self, before: datetime) -> int:
        return await self._database.run_in_batches(lambda connection: rows.forget(connection, to_micros(before)))
