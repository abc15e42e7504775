"""A connection to PostgreSQL as the storage uses it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from adapters.postgresql.texts import register_texts

Rows: TypeAlias = list[TupleRow]
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

_DEFAULTS: Final[Mapping[str, str]] = {
    "application_name": "flyte-slack",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""So that a dead network is noticed, whatever the system's settings. In seconds; the last one in milliseconds."""
_SETTINGS: Final = (
    "set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), {is_local}), "
    "set_config('idle_in_transaction_session_timeout', '5000', {is_local})"
)
"""What is acknowledged is on disk, and a process that was stopped within a transaction keeps no locks."""
_NUMBER: Final = "UPDATE flyte_slack.transactions SET number = number + 1 WHERE connection = %s RETURNING number"


class Session(psycopg.AsyncConnection[TupleRow]):
    """A connection in autocommit mode. Its statements may contain any text."""

    is_pooled: bool = False
    """Whether a pooler such as PgBouncer stands between: then neither settings nor prepared statements last."""
    number: int = 0
    """Identifies its row in the table `transactions`; 0 if it has none."""
    _pipeline_in_use: psycopg.AsyncPipeline | None = None

    async def prepare(self) -> None:
        """Adapts the session to what is between it and the server. Raises psycopg.Error."""
        register_texts(self)
        [(process,)] = await self.fetch("SELECT pg_backend_pid()")
        self.is_pooled = process != self.info.backend_pid
        if self.is_pooled:
            self.prepare_threshold = None
        else:
            isolation = "set_config('default_transaction_isolation', 'read committed', false)"
            await self.fetch(f"SELECT {_SETTINGS.format(is_local='false')}, {isolation}")

    async def send(self, query: str, parameters: Parameters = ()) -> psycopg.AsyncCursor[TupleRow]:
        """Performs a statement. In a transaction only sends it: the cursor returned waits when it is read from."""
        return await self.execute(query.encode(), parameters)

    @asynccontextmanager
    async def sending_ahead(self) -> AsyncIterator[None]:
        """Lets statements be sent without waiting for the answers to earlier ones, up to one whose rows are fetched."""
        async with self.pipeline() as pipeline:
            self._pipeline_in_use = pipeline
            try:
                yield
            finally:
                self._pipeline_in_use = None

    async def fetch(self, query: str, parameters: Parameters = ()) -> Rows:
        """Returns the rows of a statement."""
        cursor = await self.send(query, parameters)
        if self._pipeline_in_use:
            # Only then is the session idle for the server, which ends it if the process is stopped here.
            await self._pipeline_in_use.sync()
        return await cursor.fetchall()

    async def begin(self) -> psycopg.AsyncCursor[TupleRow]:
        """Begins a transaction. The cursor returned yields its number among those of the session."""
        await self.execute("BEGIN ISOLATION LEVEL READ COMMITTED" if self.is_pooled else "BEGIN")
        settings = f", {_SETTINGS.format(is_local='true')}" if self.is_pooled else ""
        return await self.send(f"{_NUMBER}{settings}", (self.number,))


def conninfo_of(parameters: Mapping[str, str]) -> str:
    """Returns what libpq connects with: these parameters, and defaults for others."""
    return make_conninfo(**{**_DEFAULTS, **parameters, "client_encoding": "UTF8"})
