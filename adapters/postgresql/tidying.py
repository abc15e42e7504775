"""Housekeeping: forgets lanes that fell silent, replicas that are gone, and connections that were closed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from adapters.postgresql.database import Database
from adapters.postgresql.session import Parameters
from adapters.sql.codec import micros_of
from application.loop_time import loop_time
from domain.errors import StorageError

_EVERY_SECONDS: Final = 3600
_SILENT_SECONDS: Final = 72 * 3600
"""Uptime after which a lane counts as silent: longer than backfill ever looks back, also for direct messages."""
_GONE_SECONDS: Final = 24 * 3600
_STATEMENTS: Final[Sequence[tuple[str, Parameters]]] = (
    (
        """
        DELETE FROM flyte_slack.lanes WHERE name IN (
            SELECT name FROM flyte_slack.lanes, flyte_slack.clock
            WHERE NOT is_active AND dead_lettered = 0 AND uptime < now - %s
                AND NOT EXISTS (SELECT FROM flyte_slack.joined WHERE channel_id = name AND position IS NOT NULL)
                AND NOT EXISTS (SELECT FROM flyte_slack.unjoined_memberships WHERE name = ANY(channel_ids))
            ORDER BY name LIMIT 10000 FOR UPDATE OF lanes SKIP LOCKED
        ) AND NOT is_active RETURNING true
        """,
        (micros_of(_SILENT_SECONDS),),
    ),
    (
        "DELETE FROM flyte_slack.replicas USING flyte_slack.clock WHERE alive_until < now - %s RETURNING true",
        (micros_of(_GONE_SECONDS),),
    ),
    (
        "DELETE FROM flyte_slack.transactions USING flyte_slack.clock WHERE uptime < now - %s RETURNING true",
        (micros_of(_GONE_SECONDS),),
    ),
)


class Tidying:
    """Works hourly, beside heartbeats, which must not wait for it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._next_at = 0.0
        """The next run, by the event loop's time."""
        self._work: asyncio.Task[None] | None = None

    def start_if_due(self) -> None:
        """Begins what is due. Several replicas may do it at the same time."""
        now = loop_time()
        if now >= self._next_at:
            self._next_at = now + _EVERY_SECONDS
            self._work = asyncio.create_task(self._run(), name="tidy up")

    async def finish(self) -> None:
        """Returns once all that was begun is done."""
        if self._work is not None:
            await self._work

    async def _run(self) -> None:
        with suppress(StorageError):
            for statement, parameters in _STATEMENTS:
                await self.database.fetch(statement, parameters)
