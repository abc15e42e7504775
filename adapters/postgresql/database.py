"""Transactions in PostgreSQL, each of which has happened or has not, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from adapters.postgresql.connection_settings import connection_failure, location_of
from adapters.postgresql.session import Parameters, Rows, Session, conninfo_of
from domain.errors import StorageError, StorageUnavailable, TooLate

P = ParamSpec("P")
T = TypeVar("T")

Work: TypeAlias = Callable[[Session], Awaitable[T]]
"""What a request does within its transaction. It is called again if the transaction is undone by a lost connection."""

_CONNECTIONS: Final = 8
_CONNECTING_SECONDS: Final = 5.0
_CLOSING_SECONDS: Final = 1.0
"""For attempts to connect."""
_ANSWER_SECONDS: Final = 20.0
"""For all statements of a transaction together, and for its commit."""
_ATTEMPTS: Final = 3
"""How often a transaction is begun that others, or lost connections, undo."""
_PAUSE_SECONDS: Final = 0.5
"""Between two attempts to learn whether a transaction was committed."""
_REPEATABLE: Final = (errors.DeadlockDetected, errors.SerializationFailure)
_READ_ONLY: Final = (errors.ReadOnlySqlTransaction, errors.ObjectNotInPrerequisiteState)
_FAULTS: Final = (
    *(psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, TimeoutError),
    *(errors.InsufficientPrivilege, errors.UndefinedTable, errors.InvalidSchemaName),
)
"""Of the server, the network or the administration. All other errors are bugs of this program."""


class Undone(Exception):
    """The transaction had no effect, for a reason that a repetition does not meet; the cause tells it if it is known.

    Also raised by work that found something changed by others.
    """


class _InDoubt(Exception):
    """The connection was lost during the commit."""

    def __init__(self, session: Session, number: int, result: Any) -> None:
        super().__init__("the connection was lost during the commit")
        self.connection = session.number
        self.number = number
        self.result = result


@dataclass(slots=True)
class _Request(Generic[T]):
    work: Work[T]
    deadline: float | None = None
    """By the event loop's time: it has no effect unless its commit begins before."""
    is_committing: bool = False

    def begin_commit(self) -> None:
        """Raises TooLate after the deadline."""
        if self.deadline is not None and asyncio.get_running_loop().time() >= self.deadline:
            raise TooLate
        self.is_committing = True


class Database:
    """A PostgreSQL database, used over a few connections."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """`parameters` are those of libpq."""
        self.location = location_of(parameters)
        self.is_pooled = False
        """Whether a pooler such as PgBouncer stands between; known once a connection was made."""
        self._parameters = parameters
        self._pool: AsyncConnectionPool[Session] | None = None
        self._abandoned: set[asyncio.Task[Any]] = set()
        """Transactions that are being undone, for which nobody waits any more."""

    async def connect(self) -> Session:
        """Returns a connection of its own, which the caller closes. Raises StorageError."""
        try:
            session = await Session.connect(conninfo_of(self._parameters), autocommit=True)
            try:
                await session.prepare()
            except BaseException:
                await session.close()
                raise
        except psycopg.OperationalError as error:
            raise connection_failure(error, self._parameters) from error
        self.is_pooled = session.is_pooled
        return session

    async def open(self) -> None:
        """Begins to keep connections. The tables must exist."""
        self._pool = AsyncConnectionPool(
            conninfo_of(self._parameters),
            connection_class=Session,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=_CONNECTIONS,
            open=False,
            configure=_configure,
            timeout=_CONNECTING_SECONDS,
            reconnect_timeout=_CONNECTING_SECONDS,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Disconnects."""
        if self._abandoned:
            await asyncio.wait(self._abandoned)
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(_CLOSING_SECONDS)

    async def run(self, work: Work[T], *, within_seconds: float | None = None) -> T:
        """Returns the result once the transaction is on disk. Raises StorageUnavailable; then it had no effect.

        Raises TooLate instead, also without effect, if the commit has not begun within the time given.
        """
        if within_seconds is None:
            return await self._perform(_Request(work))
        request = _Request(work, asyncio.get_running_loop().time() + within_seconds)
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
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await statement(session)

        return await self._repeat(attempt)

    async def _perform(self, request: _Request[T]) -> T:
        return await self._repeat(lambda session: self._transact(session, request))

    async def _repeat(self, attempt: Work[T]) -> T:
        """Repeats what was undone by others or by lost connections."""
        for are_left in (True,) * (_ATTEMPTS - 1) + (False,):
            try:
                return await self._attempt(attempt)
            except Undone as undone:
                if not are_left:
                    raise self.unavailable(undone.__cause__ or undone) from undone
        raise AssertionError

    async def _attempt(self, attempt: Work[T]) -> T:
        try:
            async with self._session() as session:
                return await attempt(session)
        except _InDoubt as doubt:
            if await self._was_committed(doubt):
                return doubt.result  # type: ignore[no-any-return]
            raise Undone from doubt
        except _REPEATABLE as error:
            raise Undone from error
        except _READ_ONLY as error:
            await self._reconnect()  # with several hosts in the URL, another one may be writable
            raise self.unavailable(error) from error
        except _FAULTS as error:
            raise self.unavailable(error) from error

    async def _transact(self, session: Session, request: _Request[T]) -> T:
        async with asyncio.timeout(_ANSWER_SECONDS):
            number = await session.begin()
            if number is None:  # the tables were replaced by others
                await session.close()
                raise Undone
            result = await request.work(session)
        request.begin_commit()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await session.execute("COMMIT")
        except (psycopg.Error, TimeoutError) as error:
            if isinstance(error, psycopg.Error) and not session.closed:
                raise
            raise _InDoubt(session, number, result) from error
        return result

    async def _was_committed(self, doubt: _InDoubt) -> bool:
        """Looks a transaction up until the answer is known. If it is in progress still, waits for its end."""
        while True:
            with suppress(StorageUnavailable, Undone):
                rows = await self._attempt(partial(_latest_number, doubt.connection))
                return bool(rows) and rows[0][0] >= doubt.number
            await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        """Provides a connection. Raises Undone if it is lost meanwhile, and StorageUnavailable."""
        if self._pool is None:
            raise StorageUnavailable(f"{self.location} is not open")
        pool = self._pool
        try:
            session = await _take(pool)
        except (PoolTimeout, PoolClosed) as error:
            raise await self._reason() from error
        try:
            yield session
        except BaseException as error:
            is_lost = session.closed and isinstance(error, psycopg.Error)
            await _undo(session)
            if not is_lost:
                raise
            await pool.check()  # the others are probably lost too
            raise Undone from error
        finally:
            await pool.putconn(session)

    async def _reason(self) -> StorageUnavailable:
        """Returns why there is no connection."""
        try:
            session = await self.connect()
            try:
                await _configure(session)
            finally:
                await session.close()
        except StorageError as error:
            return StorageUnavailable(str(error))
        except psycopg.Error as error:
            return self.unavailable(error)
        return StorageUnavailable(f"{self.location}: all connections are in use")

    async def _reconnect(self) -> None:
        if self._pool is not None:
            await self._pool.drain()

    def _abandon(self, transaction: "asyncio.Task[Any]") -> None:
        if not transaction.done():
            transaction.cancel()
            self._abandoned.add(transaction)
            transaction.add_done_callback(self._abandoned.discard)

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        """Returns the error that a request raises because of this fault."""
        return StorageUnavailable(f"can't use the {self.location}: {_reason_of(error)}")


async def _configure(session: Session) -> None:
    await session.prepare()
    [(session.number,)] = await session.fetch(
        "INSERT INTO flyte_slack.transactions (uptime) SELECT now FROM flyte_slack.clock RETURNING connection"
    )


async def _latest_number(connection: int, session: Session) -> Rows:
    return await session.fetch(
        "SELECT number FROM flyte_slack.transactions WHERE connection = %s FOR UPDATE", (connection,)
    )


async def _take(pool: AsyncConnectionPool[Session]) -> Session:
    """Takes a connection out of the pool, and gives it back if the task was cancelled meanwhile.

    Up to Python 3.11, `asyncio.wait_for`, which the pool uses, may swallow the cancellation.
    """
    cancellations = _cancellations()
    session = await pool.getconn()
    if _cancellations() > cancellations:
        await pool.putconn(session)
        raise asyncio.CancelledError
    return session


def _cancellations() -> int:
    """Returns how often the current task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


async def _undo(session: Session) -> None:
    """Ends what the connection was used for, or closes it."""
    if session.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        with suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await session.execute("ROLLBACK")
    if session.info.transaction_status is not TransactionStatus.IDLE:
        await session.close()


def _reason_of(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_ANSWER_SECONDS:g} s"
    if isinstance(error, psycopg.Error):
        code = f" ({error.sqlstate})" if error.sqlstate else ""
        return f"{error.diag.message_primary or error}{code}"
    return str(error)


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
