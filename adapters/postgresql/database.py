"""Transactions in PostgreSQL, each of which has happened or has not, whatever happens to the connection."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

import psycopg
from psycopg import errors

from adapters.postgresql.connections import ANSWER_SECONDS, Connections, Undone
from adapters.postgresql.session import Parameters, Rows, Session
from application.loop_time import loop_time
from domain.errors import StorageUnavailable, TooLate

P = ParamSpec("P")
T = TypeVar("T")

Work: TypeAlias = Callable[[Session], Awaitable[T]]
"""The work of a request within its transaction. It is repeated if a lost connection undoes the transaction."""
_Connection: TypeAlias = Callable[[], AbstractAsyncContextManager[Session]]

_RENEWAL_SECONDS: Final = 3.0
"""The time limit of a renewal: a server that takes longer counts as unreachable."""
_ATTEMPTS: Final = 3
"""Attempts of a transaction that others, or lost connections, undo."""
_PAUSE_SECONDS: Final = 0.5
"""The pause between attempts to learn whether a transaction was committed."""
_REPEATABLE: Final = (errors.DeadlockDetected, errors.SerializationFailure)
_READ_ONLY: Final = (errors.ReadOnlySqlTransaction, errors.ObjectNotInPrerequisiteState)
_FAULTS: Final = (
    *(psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, TimeoutError),
    *(errors.InsufficientPrivilege, errors.UndefinedTable, errors.InvalidSchemaName),
)
"""Faults of the server, the network or the administration. All other errors are bugs of this program."""


class _InDoubt(Exception):
    """The connection was lost during the commit."""

    def __init__(self, session: Session, result: Any) -> None:
        super().__init__("the connection was lost during the commit")
        self.connection = session.number
        self.number = session.transaction_number
        self.result = result


@dataclass(slots=True)
class _Request(Generic[T]):
    work: Work[T]
    deadline: float | None = None
    """The latest beginning of the commit by the event loop's time; after it the request has no effect."""
    is_committing: bool = False

    def begin_commit(self) -> None:
        """Raises TooLate after the deadline."""
        if self.deadline is not None and loop_time() >= self.deadline:
            raise TooLate
        self.is_committing = True


class Database:
    """A PostgreSQL database, used over a few connections."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """`parameters` are those of libpq."""
        self._connections = Connections(parameters)
        self.location = self._connections.location
        self._abandoned: set[asyncio.Task[Any]] = set()
        """Transactions that are being undone, and whose callers do not wait any more."""

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler such as PgBouncer stands between; known once a connection was made."""
        return self._connections.is_pooled

    async def connect(self) -> Session:
        """Returns a connection of its own, which the caller closes. Raises StorageError."""
        return await self._connections.connect()

    async def open(self) -> None:
        """Begins to keep connections. The tables must exist."""
        await self._connections.open()

    async def close(self) -> None:
        """Disconnects."""
        if self._abandoned:
            await asyncio.wait(self._abandoned)
        await self._connections.close()

    async def run(self, work: Work[T], *, within_seconds: float | None = None) -> T:
        """Returns the result once the transaction is on disk. Raises StorageUnavailable; then it had no effect.

        Raises TooLate instead, also without effect, if the commit has not begun within the time given.
        """
        if within_seconds is None:
            return await self._perform(_Request(work))
        request = _Request(work, loop_time() + within_seconds)
        transaction = asyncio.create_task(self._perform(request), name="transaction")
        try:
            await asyncio.wait({transaction}, timeout=within_seconds)
            if not transaction.done() and not request.is_committing:
                raise TooLate
            return await transaction
        finally:
            self._abandon(transaction)

    async def fetch(self, query: str, parameters: Parameters = ()) -> Rows:
        """Returns the rows of one statement, once it is on disk. Raises StorageUnavailable; then it had no effect.

        Only for a statement of which it does no harm if it is performed twice.
        """

        async def statement(session: Session) -> Rows:
            return await session.fetch(query, parameters)

        async def attempt(session: Session) -> Rows:
            if session.is_pooled:
                return await self._transact(session, _Request(statement))
            async with asyncio.timeout(ANSWER_SECONDS):
                return await statement(session)

        return await self._repeat(attempt, self._connections.shared)

    async def renew(self, query: str, parameters: Parameters = ()) -> Rows:
        """Does what `fetch` does, for a heartbeat or a lease: over a connection of its own, without waiting for others.

        It may take effect although it raises StorageUnavailable, and does not survive each crash of the server.
        """

        async def attempt(session: Session) -> Rows:
            with session.answers_within(_RENEWAL_SECONDS):
                return await session.fetch(query, parameters)

        return await self._repeat(attempt, self._connections.reserved)

    async def _perform(self, request: _Request[T]) -> T:
        return await self._repeat(lambda session: self._transact(session, request), self._connections.shared)

    async def _repeat(self, attempt: Work[T], connection: _Connection) -> T:
        """Repeats what was undone by others or by lost connections."""
        for are_left in (True,) * (_ATTEMPTS - 1) + (False,):
            try:
                return await self._attempt(attempt, connection)
            except Undone as undone:
                if not are_left:
                    raise self.unavailable(undone.__cause__ or undone) from undone
        raise AssertionError

    async def _attempt(self, attempt: Work[T], connection: _Connection) -> T:
        try:
            async with connection() as session:
                return await attempt(session)
        except _InDoubt as doubt:
            if await self._was_committed(doubt):
                return doubt.result  # type: ignore[no-any-return]
            raise Undone from doubt
        except _REPEATABLE as error:
            raise Undone from error
        except _READ_ONLY as error:
            await self._connections.replace()  # with several hosts in the URL, another one may be writable
            raise self.unavailable(error) from error
        except _FAULTS as error:
            raise self.unavailable(error) from error

    async def _transact(self, session: Session, request: _Request[T]) -> T:
        async with asyncio.timeout(ANSWER_SECONDS):
            with session.transaction_opened():
                result = await request.work(session)
        request.begin_commit()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await session.execute("COMMIT")
        except (psycopg.Error, TimeoutError) as error:
            if isinstance(error, psycopg.Error) and not session.closed:
                raise
            raise _InDoubt(session, result) from error
        return result

    async def _was_committed(self, doubt: _InDoubt) -> bool:
        """Looks a transaction up until the answer is known. If it is in progress still, waits for its end."""
        while True:
            with suppress(StorageUnavailable, Undone):
                rows = await self._attempt(partial(_latest_number, doubt.connection), self._connections.shared)
                return bool(rows) and rows[0][0] >= doubt.number
            await asyncio.sleep(_PAUSE_SECONDS)

    def _abandon(self, transaction: "asyncio.Task[Any]") -> None:
        if not transaction.done():
            transaction.cancel()
            self._abandoned.add(transaction)
            transaction.add_done_callback(self._abandoned.discard)

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        """Returns the error that a request raises because of this fault."""
        return self._connections.unavailable(error)


async def _latest_number(connection: int, session: Session) -> Rows:
    return await session.fetch(
        "SELECT number FROM flyte_slack.transactions WHERE connection = %s FOR UPDATE", (connection,)
    )


class _UsesDatabase(Protocol):
    database: Database


S = TypeVar("S", bound=_UsesDatabase)


def transaction(
    function: Callable[Concatenate[S, Session, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Turns a method that works in a session into one that runs it in a transaction of `self.database`."""

    @wraps(function)
    async def run(table: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await table.database.run(lambda session: function(table, session, *args, **kwargs))

    return run
