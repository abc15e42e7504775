"""A connection to PostgreSQL as the storage uses it."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
_NUMBER: Final = "UPDATE flyte_slack.transactions SET number = number + 1 WHERE connection = {} RETURNING number"


class Session(psycopg.AsyncConnection[TupleRow]):
    """A connection in autocommit mode. Its statements may contain any text."""

    is_pooled: bool = False
    """Whether a pooler such as PgBouncer stands between: then neither settings nor prepared statements last."""
    number: int = 0
    """Identifies its row in the table `transactions`; 0 if it has none."""

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
        """Performs a statement. The cursor returned has its rows, if any."""
        return await self.execute(query.encode(), parameters)

    async def fetch(self, query: str, parameters: Parameters = ()) -> Rows:
        """Returns the rows of a statement."""
        return await (await self.send(query, parameters)).fetchall()

    async def begin(self) -> int | None:
        """Begins a transaction. Returns its number among those of the session; None if the session has no row.

        No pipeline: while one is open the server ends no transaction of a process that was stopped.
        """
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED" if self.is_pooled else "BEGIN"
        settings = f", {_SETTINGS.format(is_local='true')}" if self.is_pooled else ""
        cursor = await self.execute(f"{begin}; {_NUMBER.format(self.number)}{settings}".encode(), prepare=False)
        cursor.nextset()
        row = await cursor.fetchone()
        return int(row[0]) if row else None

    @contextmanager
    def answers_within(self, seconds: float) -> Iterator[None]:
        """Breaks the connection, and raises TimeoutError, if the server does not answer in time.

        Unlike the cancellation of a request, that takes no time; but the server may perform the request later.
        """
        has_hung_up = False

        def hang_up() -> None:
            nonlocal has_hung_up
            has_hung_up = True
            with socket.socket(fileno=os.dup(self.fileno())) as connection, suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

        timer = asyncio.get_running_loop().call_later(seconds, hang_up)
        try:
            yield
        except psycopg.Error as error:
            if has_hung_up:
                raise TimeoutError(f"no answer within {seconds:g} s") from error
            raise
        finally:
            timer.cancel()


def conninfo_of(parameters: Mapping[str, str]) -> str:
    """Returns what libpq connects with: these parameters, and defaults for others."""
    return make_conninfo(**{**_DEFAULTS, **parameters, "client_encoding": "UTF8"})
