"""The outbox in SQLite."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from adapters.filesystem import outbox_rows as rows
from adapters.filesystem.codec import optional_to_micros, to_micros
from adapters.filesystem.database import Database
from domain.outbox import Backlog, Claim, OutboxEntry


class FileOutbox:
    """The outbox port."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claims: dict[str, Claim] = {}
        """The last claim of each channel: only that one can be given back or extended."""

    async def append(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        return await self._database.run(lambda connection: rows.append(connection, entries))

    async def claim(self, channels: int, entries: int, now: datetime, lease_seconds: float) -> list[Claim]:
        until = now + timedelta(seconds=lease_seconds)
        claims = await self._database.run(
            lambda connection: rows.claim(connection, channels, entries, to_micros(now), to_micros(until))
        )
        self._claims.update({claim.channel_id: claim for claim in claims})
        return claims

    async def ack(self, claim: Claim, entry: OutboxEntry) -> None:
        del claim  # whoever brought it: the engine has it
        await self._database.run(lambda connection: rows.done(connection, entry.key))

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        del claim
        await self._database.run(lambda connection: rows.set_aside(connection, entry.key, reason))

    async def release(
        self, claim: Claim, *, not_before: datetime | None = None, refused_at: datetime | None = None
    ) -> None:
        if self._claims.get(claim.channel_id) is claim:
            await self._database.run(
                lambda connection: rows.give_back(
                    connection, claim.channel_id, optional_to_micros(not_before), optional_to_micros(refused_at)
                )
            )
            if self._claims.get(claim.channel_id) is claim:
                del self._claims[claim.channel_id]

    async def renew_lease(self, claim: Claim, now: datetime, lease_seconds: float) -> None:
        if self._claims.get(claim.channel_id) is claim:
            until = to_micros(now + timedelta(seconds=lease_seconds))
            await self._database.run(lambda connection: rows.extend(connection, claim.channel_id, until))

    async def next_due(self) -> datetime | None:
        return await self._database.run(rows.next_due)

    async def backlog(self) -> Backlog:
        return await self._database.run(rows.depth)

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[OutboxEntry]:
        state, after = ("set aside" if set_aside else "waiting"), rows.START
        while page := await self._database.run(partial(rows.page, state=state, after=after)):
            for _, entry in page:
                yield entry
            after = page[-1][0]

    async def requeue(self, key: str) -> bool:
        return await self._database.run(lambda connection: rows.revive(connection, key))

    async def discard(self, key: str) -> bool:
        return await self._database.run(lambda connection: rows.discard(connection, key))

    async def purge(self, before: datetime) -> int:
        return await self._database.run_in_batches(lambda connection: rows.forget(connection, to_micros(before)))
