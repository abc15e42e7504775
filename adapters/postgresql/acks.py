"""Removes delivered entries from the outbox: those that are done at the same time in one statement."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from adapters.postgresql.database import Database
from domain.errors import LeaseLost
from domain.outbox import Claim, OutboxEntry

_ACK: Final = """
    WITH latest AS MATERIALIZED (
        SELECT key, name, claimed_to FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS given (name, token, key)
        JOIN flyte_slack.lanes AS lane USING (name, token) FOR UPDATE OF lane {}
    ),
    done AS (
        DELETE FROM flyte_slack.outbox USING latest
        WHERE outbox.key = latest.key AND lane = name RETURNING outbox.key, lane, state, claimed_to
    ),
    counted AS (
        UPDATE flyte_slack.lanes AS lane SET waiting = waiting - number_waiting,
            dead_lettered = dead_lettered - number_dead_lettered
        FROM (
            SELECT done.lane, count(*) FILTER (WHERE state = 'waiting') AS number_waiting,
                count(*) FILTER (WHERE state = 'set aside') AS number_dead_lettered
            FROM done WHERE claimed_to IS NULL OR state = 'set aside' GROUP BY done.lane
        ) AS gone WHERE lane.name = gone.lane
    ),
    known AS (
        INSERT INTO flyte_slack.recognised_keys SELECT key, now FROM done, flyte_slack.clock
        ON CONFLICT DO NOTHING
    )
    SELECT key, claimed_to IS NULL FROM latest
"""
"""Leaves out claims that are lost."""
_ACK_UNLOCKED: Final = _ACK.format("SKIP LOCKED")
"""Leaves out locked lanes, too, so that they delay no others."""
_ACK_LOCKED: Final = _ACK.format("")


class _Ack(NamedTuple):
    claim: Claim
    entry: OutboxEntry
    has_ended: "asyncio.Future[bool | None]"
    """Whether the claim has; None if nothing was done."""


class Acks:
    """Collects acknowledgements while a statement is in progress; the next one has them all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Ack] = []
        self._working: asyncio.Task[None] | None = None

    async def ack(self, claim: Claim, entry: OutboxEntry) -> bool:
        """Removes an entry. Returns whether its claim has ended. Raises LeaseLost and StorageUnavailable."""
        ack = _Ack(claim, entry, asyncio.get_running_loop().create_future())
        self._waiting.append(ack)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="acknowledge")
        has_ended = await ack.has_ended
        if has_ended is None:
            has_ended = (await self._remove([ack], _ACK_LOCKED)).get(entry.key)
        if has_ended is None:
            raise LeaseLost(claim.lane)
        return has_ended

    async def finish(self) -> None:
        """Returns once nothing is in progress any more."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        while self._waiting:
            acks, self._waiting = self._waiting, []
            try:
                ended = await self._remove(acks, _ACK_UNLOCKED)
            except Exception as error:  # noqa: BLE001 - they get it
                for ack in acks:
                    if not ack.has_ended.done():
                        ack.has_ended.set_exception(error)
            else:
                for ack in acks:
                    if not ack.has_ended.done():
                        ack.has_ended.set_result(ended.get(ack.entry.key))

    async def _remove(self, acks: Sequence[_Ack], statement: str) -> dict[str, bool]:
        """Returns for the keys that were known whether their claims have ended."""
        lanes, tokens = [ack.claim.lane for ack in acks], [ack.claim.lease.token for ack in acks]
        return dict(await self._database.fetch(statement, (lanes, tokens, [ack.entry.key for ack in acks])))
