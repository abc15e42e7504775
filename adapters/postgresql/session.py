"""A connection to PostgreSQL as the storage uses it."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from adapters.postgresql.texts import register_texts

Rows: TypeAlias = list[TupleRow]
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
T = TypeVar("T")

_CANCELLING_SECONDS: Final = 0.5
"""The time limit for the server to end a cancelled request."""

_DEFAULTS: Final[Mapping[str, str]] = {
    "application_name": "flyte-slack",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Detect a dead network whatever the system's settings. In seconds, except `tcp_user_timeout` in milliseconds."""
_SETTINGS: Final = (
    "set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), {is_local}), "
    "set_config('idle_in_transaction_session_timeout', '5000', {is_local})"
)
"""Acknowledged data is on disk, and a process that was stopped within a transaction keeps no locks."""
_NUMBER: Final = "UPDATE flyte_slack.transactions SET number = number + 1 WHERE connection = {} RETURNING number"


class Session(psycopg.AsyncConnection[TupleRow]):
    """A connection in autocommit mode. Its statements may contain any text."""

    is_pooled: bool = False
    """Whether a pooler such as PgBouncer stands between: then neither settings nor prepared statements last."""
    number: int = 0
    """Identifies its row in the table `transactions`; 0 if it has none."""
    transaction_number: int = 0
    """The number of its latest transaction, among those of this connection."""
    _opening: str = ""
    """The SQL that precedes the next statement."""
    _hanging_up: asyncio.TimerHandle | None = None
    """Set while a request is being cancelled."""

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
        if not self._opening:
            return await self.execute(query.encode(), parameters)
        opening, self._opening = self._opening, ""
        cursor = psycopg.AsyncClientCursor(self)  # since only such a one sends several statements at once
        await cursor.execute(f"{opening}; {query}".encode(), parameters)
        cursor.nextset()
        self.transaction_number = await self._numbered(cursor)
        while cursor.nextset():
            pass
        return cursor

    async def fetch(self, query: str, parameters: Parameters = ()) -> Rows:
        """Returns the rows of a statement."""
        return await (await self.send(query, parameters)).fetchall()

    @contextmanager
    def transaction_opened(self) -> Iterator[None]:
        """Begins a transaction with the next `send` or `fetch` within, in one round trip.

        No pipeline: while one is open the server ends no transaction of a process that was stopped.
        """
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED" if self.is_pooled else "BEGIN"
        settings = f"; SELECT {_SETTINGS.format(is_local='true')}" if self.is_pooled else ""
        self._opening = f"{begin}; {_NUMBER.format(self.number)}{settings}"
        try:
            yield
        finally:
            self._opening = ""

    async def _numbered(self, cursor: psycopg.AsyncCursor[TupleRow]) -> int:
        """Returns the number of the transaction. Raises psycopg.Error if the tables were replaced by others."""
        if row := await cursor.fetchone():
            return int(row[0])
        await self.close()
        raise psycopg.OperationalError("the tables were replaced")

    @contextmanager
    def answers_within(self, seconds: float) -> Iterator[None]:
        """Breaks the connection, and raises TimeoutError, if the server does not answer in time.

        Unlike the cancellation of a request, that takes no time; but the server may perform the request later.
        """
        has_hung_up = False

        def hang_up() -> None:
            nonlocal has_hung_up
            has_hung_up = True
            self._hang_up()

        timer = asyncio.get_running_loop().call_later(seconds, hang_up)
        try:
            yield
        except psycopg.Error as error:
            if has_hung_up:
                raise TimeoutError(f"no answer within {seconds:g} s") from error
            raise
        finally:
            timer.cancel()

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """Does what psycopg's method does, which calls `cancel_safe` if the task is cancelled meanwhile."""
        try:
            return await super().wait(gen, interval, timeout)
        finally:
            if self._hanging_up is not None:
                self._hanging_up.cancel()
                self._hanging_up = None

    async def cancel_safe(self, *, timeout: float = _CANCELLING_SECONDS) -> None:  # noqa: ASYNC109
        """Asks the server to end a request, and breaks the connection if it soon has not: it may be frozen.

        psycopg would wait for ten seconds.
        """
        self._hanging_up = asyncio.get_running_loop().call_later(_CANCELLING_SECONDS, self._hang_up)
        await super().cancel_safe(timeout=min(timeout, _CANCELLING_SECONDS))

    def _hang_up(self) -> None:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as connection:
            connection.shutdown(socket.SHUT_RDWR)


def conninfo_of(parameters: Mapping[str, str]) -> str:
    """Returns what libpq connects with: these parameters, and defaults for others."""
    return make_conninfo(**{**_DEFAULTS, **parameters, "client_encoding": "UTF8"})
