"""Connections to a PostgreSQL database: a few that all requests share, and one for heartbeats and leases."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from adapters.postgresql.connection_settings import connection_failure, location_of
from adapters.postgresql.refusals import Refusal, find_refusal
from adapters.postgresql.session import Session, conninfo_of
from domain.errors import StorageUnavailable

SHARED: Final = 8
"""Connections that all requests share."""
ANSWER_SECONDS: Final = 20.0
"""The time limit for all statements of a transaction together, and for its commit."""
_CONNECTING_SECONDS: Final = 5.0
_CONFIGURING_SECONDS: Final = 3.0
_CLOSING_SECONDS: Final = 0.5
"""How long closing waits for attempts to connect."""


class Undone(Exception):
    """The transaction had no effect, for a reason that a repetition avoids; its cause is the exception, if there is
    one.

    Also raised by work that found something changed by others.
    """


class Connections:
    """The connections of one process to a database."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """`parameters` are those of libpq."""
        self.location = location_of(parameters)
        self.is_pooled = False
        """Whether a pooler such as PgBouncer stands between; known once a connection was made."""
        self._parameters = parameters
        self._pool: AsyncConnectionPool[Session] | None = None
        self._in_use = 0
        """Connections of the pool."""
        self._reserved: Session | None = None
        """None until it is needed; closed after a fault."""
        self._reserving = asyncio.Lock()

    async def connect(self) -> Session:
        """Returns a connection of its own, which the caller closes. Raises StorageError."""
        try:
            return await self._connect()
        except psycopg.OperationalError as error:
            raise connection_failure(error, self._parameters, await self._refusal(error)) from error

    async def open(self) -> None:
        """Begins to keep connections. The tables must exist."""
        self._pool = AsyncConnectionPool(
            conninfo_of(self._parameters),
            connection_class=Session,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=SHARED,
            open=False,
            configure=_configure,
            timeout=_CONNECTING_SECONDS,
            reconnect_timeout=_CONNECTING_SECONDS,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Disconnects."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(_CLOSING_SECONDS)
        await self._close_reserved()

    async def replace(self) -> None:
        """Closes all connections, those in use as soon as they are free. With several hosts, others may be better."""
        await self._close_reserved()
        if self._pool is not None:
            await self._pool.drain()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[Session]:
        """Provides one of the shared connections. Raises Undone if it is lost meanwhile, and StorageUnavailable."""
        if self._pool is None:
            raise StorageUnavailable(f"{self.location} is not open")
        pool = self._pool
        try:
            session = await _take(pool)
        except (PoolTimeout, PoolClosed) as error:
            raise await self._reason() from error
        self._in_use += 1
        try:
            async with _usable(session):
                yield session
        except Undone:
            await pool.check()  # the others are probably lost too
            raise
        finally:
            self._in_use -= 1
            await pool.putconn(session)

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[Session]:
        """Provides the connection for heartbeats and leases. Raises what `shared` raises."""
        async with self._reserving:
            if self._reserved is None or self._reserved.closed:
                self._reserved = await self._connect_again()
                self._reserved.prepare_threshold = None  # to prepare a statement takes one answer more
            async with _usable(self._reserved):
                yield self._reserved

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        """Returns the error that a request raises because of this fault."""
        return StorageUnavailable(f"can't use the {self.location}: {_reason_of(error)}")

    async def _reason(self) -> StorageUnavailable | Undone:
        """Returns why no shared connection was free: Undone if one will be soon."""
        try:
            async with await self._connect_again() as session:
                await _configure(session)
        except StorageUnavailable as error:
            return error
        except (psycopg.Error, TimeoutError) as error:
            return self.unavailable(error)
        if self._in_use < SHARED:
            return Undone("the server has come back")
        return StorageUnavailable(f"{self.location}: all connections are in use")

    async def _connect_again(self) -> Session:
        """Returns a connection to a server that has accepted one before. Raises StorageUnavailable."""
        try:
            return await self._connect()
        except psycopg.OperationalError as error:
            raise StorageUnavailable(str(connection_failure(error, self._parameters))) from error

    async def _connect(self) -> Session:
        """Raises StorageUnavailable and OperationalError."""
        session = await Session.connect(conninfo_of(self._parameters), autocommit=True)
        try:
            with session.answers_within(ANSWER_SECONDS):
                await session.prepare()
        except BaseException as error:
            await session.close()
            if isinstance(error, TimeoutError):
                raise self.unavailable(error) from error
            raise
        self.is_pooled = session.is_pooled
        return session

    async def _refusal(self, error: psycopg.OperationalError) -> Refusal | None:
        """Returns how the server refused a connection, if it did."""
        if error.pgconn is None or isinstance(error, errors.ConnectionTimeout):  # it was not found, or does not answer
            return None
        return await asyncio.to_thread(find_refusal, conninfo_of(self._parameters), _CONNECTING_SECONDS)

    async def _close_reserved(self) -> None:
        async with self._reserving:
            if self._reserved is not None:
                await self._reserved.close()


async def _configure(session: Session) -> None:
    """Raises psycopg.Error, and TimeoutError, as when the commit waits for a synchronous standby that is not there."""
    with session.answers_within(_CONFIGURING_SECONDS):
        await session.prepare()
        [(session.number,)] = await session.fetch(
            "INSERT INTO flyte_slack.transactions (uptime) SELECT now FROM flyte_slack.clock RETURNING connection"
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


@asynccontextmanager
async def _usable(session: Session) -> AsyncIterator[None]:
    """Ends what was begun if it fails. Raises Undone if the reason is that the connection was lost."""
    try:
        yield
    except BaseException as error:
        is_lost = session.closed and isinstance(error, psycopg.Error)
        await _undo(session)
        if is_lost:
            raise Undone from error
        raise


async def _undo(session: Session) -> None:
    """Ends what the connection was used for, or closes it."""
    if session.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        with suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await session.execute("ROLLBACK")
    if session.info.transaction_status is not TransactionStatus.IDLE:
        await session.close()


def _reason_of(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return str(error) or f"no answer within {ANSWER_SECONDS:g} s"
    if isinstance(error, psycopg.Error):
        code = f" ({error.sqlstate})" if error.sqlstate else ""
        return f"{error.diag.message_primary or error}{code}"
    return str(error)
