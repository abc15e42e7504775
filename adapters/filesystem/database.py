"""One thread owns the SQLite connection and performs waiting requests in one transaction, with one fsync."""

import asyncio
import math
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, cast

import structlog

from adapters.filesystem.recovery import report_incomplete
from adapters.filesystem.schema import MAX_LOG_BYTES, connect, empty_log
from adapters.filesystem.sqlite_errors import explain
from domain.errors import StorageError, StorageUnavailable, StorageUnusable, TooLate

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

_LARGEST_BATCH = 1000
"""Requests in one transaction: enough to spread the fsync, few enough not to delay the first one much."""
_EMPTYING_SECONDS = 1.0
"""How often at most the log is emptied of what was to be forgotten."""


_Identity: TypeAlias = tuple[int, int] | None
"""Device and inode of a file; None if there is none."""

Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""The work of a request within the transaction. An exception undoes this request alone.

It is performed again if another request of the same transaction turns out to be late.
"""


@dataclass(slots=True)
class _Request:
    work: Work[Any]
    answer: "asyncio.Future[Any]"
    deadline: float = math.inf
    """The latest beginning of the commit by the clock's monotonic seconds; after it the request has no effect."""
    result: Any = None
    failure: BaseException | None = None

    def deliver(self) -> None:
        if self.answer.done():  # cancelled
            return
        if self.failure is None:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(self.failure)


class Database:
    """The SQLite file, accessed by one thread. Requests that arrive during a commit share the next one."""

    def __init__(
        self,
        path: Path,
        before_commit: Callable[[sqlite3.Connection], None],
        monotonic: Callable[[], float],
        *,
        is_exclusive: bool,
    ) -> None:
        """`before_commit` adds to every transaction, in the thread. `monotonic` returns the clock's seconds.

        Only the process with `is_exclusive` empties the log: to another it would look truncated.
        """
        self._path = path
        self._before_commit = before_commit
        self._monotonic = monotonic
        self._is_exclusive = is_exclusive
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._file: _Identity = None
        """The file that was opened first; no other may replace it."""
        self._log = Path(f"{path}-wal")
        self._log_size = 0
        self._companions: tuple[_Identity, ...] = ()
        """The write-ahead log and its index, as the connection has them open."""
        self._has_failed = False
        """Whether the last transaction failed."""
        self._is_log_to_be_emptied = False
        self._next_emptying_at = -math.inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: asyncio.Future[None] | None = None

    async def open(self, first: Work[T]) -> T:
        """Starts the thread, and performs `first`. Closes again if that raises a StorageError."""
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._requests, self._file, self._has_failed = SimpleQueue(), None, False
        # A daemon thread: a disk that does not answer must not keep the process from ending.
        threading.Thread(target=self._serve, args=(self._loop, self._closed), name="storage", daemon=True).start()
        try:
            return cast("T", await self._request(first).answer)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finishes the requests made so far, and ends the thread."""
        if self._closed is not None:
            closed, self._loop, self._closed = self._closed, None, None
            self._requests.put(None)
            await closed

    async def run(self, work: Work[T], *, within_seconds: float | None = None) -> T:
        """Returns the result once the transaction is on disk. Raises StorageUnavailable; then it had no effect.

        Raises TooLate instead, also without effect, if the commit has not begun within the time given.
        """
        return await self.submit(work, within_seconds=within_seconds)

    def submit(self, work: Work[T], *, within_seconds: float | None = None) -> Awaitable[T]:
        """Makes the request of `run` for the caller to await; requests made from now on are performed after it."""
        return self._result_of(self._request(work, within_seconds))

    def empty_log_soon(self) -> None:
        """Notes that the log may still hold data that a request has overwritten. For requests, in the thread."""
        self._is_log_to_be_emptied = self._is_exclusive

    def _request(self, work: Work[Any], within_seconds: float | None = None) -> _Request:
        if self._loop is None:
            raise StorageUnavailable(f"{self._path} is not open")
        deadline = math.inf if within_seconds is None else self._monotonic() + within_seconds
        request = _Request(work, self._loop.create_future(), deadline)
        self._requests.put(request)
        return request

    async def _result_of(self, request: _Request) -> Any:
        try:
            return await request.answer
        except StorageUnusable as error:
            raise StorageUnavailable(str(error)) from error

    def _serve(self, loop: asyncio.AbstractEventLoop, closed: "asyncio.Future[None]") -> None:
        is_open = True
        while is_open:
            batch, is_open = self._gather()
            self._perform(batch)
            loop.call_soon_threadsafe(_deliver_results, batch)
            self._empty_log_if_due()
        self._disconnect()
        loop.call_soon_threadsafe(_set_closed, closed)

    def _gather(self) -> tuple[list[_Request], bool]:
        """Returns the waiting requests, at least one, and whether there may be more."""
        batch: list[_Request] = []
        request = self._wait()
        while request is not None:
            batch.append(request)
            if len(batch) == _LARGEST_BATCH:
                return batch, True
            try:
                request = self._requests.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _wait(self) -> _Request | None:
        """Returns the next request. Empties the log meanwhile if that is due."""
        while self._is_log_to_be_emptied:
            try:
                return self._requests.get(timeout=max(0.0, self._next_emptying_at - self._monotonic()))
            except Empty:
                self._empty_log_if_due()
        return self._requests.get()

    def _perform(self, batch: list[_Request]) -> None:
        """Performs the requests in one transaction: all or none of them."""
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            self._attempt(connection, batch)
            self._before_commit(connection)
            connection.execute("COMMIT")
            self._has_failed = False
        except (sqlite3.Error, OSError, StorageError) as error:
            self._undo()
            for request in batch:
                request.failure = TooLate() if self._is_late(request) else self._as_storage_error(error)
        except BaseException as error:  # noqa: BLE001 - no caller may be left waiting
            self._undo()
            for request in batch:
                request.failure = error

    def _attempt(self, connection: sqlite3.Connection, batch: list[_Request]) -> None:
        """Performs the requests that are in time. Whichever is late by the end is undone, for which all are."""
        in_time: list[_Request] = []
        late: list[_Request] = []
        for request in batch:
            (late if self._is_late(request) else in_time).append(request)
        for request in in_time:
            _attempt(connection, request)
        if any(map(self._is_late, in_time)):
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            self._attempt(connection, batch)
            return
        for request in late:
            request.failure = TooLate()

    def _is_late(self, request: _Request) -> bool:
        return self._monotonic() >= request.deadline

    def _undo(self) -> None:
        """Rolls back; after two failures in a row, closes the file, so that the next attempt opens it again.

        Not after the first: the connection that failed knows that the transaction did not happen, although all of it
        may be in the log already. To another connection it would have happened. Nor while the file is empty or missing:
        closing would write the log into it, and what opened next would be a part of the database.
        """
        has_failed_before, self._has_failed = self._has_failed, True
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            has_failed_before = True
        if has_failed_before and not self._lost_companions() and _size(self._path):
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        status = self._path.stat()
        if self._file not in (None, (status.st_dev, status.st_ino)):
            raise StorageUnavailable(f"{self._path} was replaced while in use; put it back, or start again")
        if self._file is not None and status.st_size == 0:
            raise StorageUnavailable(
                f"{self._path} was emptied while in use; stop the pack, restore a backup if there is a recent one, "
                "and start again"
            )
        if self._connection is not None:
            self._check_log(self._connection)
        if self._connection is None:
            self._connection = connect(self._path)
            self._file = status.st_dev, status.st_ino
            self._companions, self._log_size = self._companions_on_disk(), 0
        return self._connection

    def _companions_on_disk(self) -> tuple["_Identity", ...]:
        return _identity(self._log), _identity(Path(f"{self._path}-shm"))

    def _lost_companions(self) -> bool:
        return self._companions_on_disk() != self._companions

    def _check_log(self, connection: sqlite3.Connection) -> None:
        """Saves the content of a log whose file was removed, and closes the connection, which alone still holds it.

        The content of a truncated log is lost, and reported.
        """
        size, self._log_size = self._log_size, _size(self._log)
        if self._lost_companions():
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StorageUnavailable(f"{self._log} was removed while another process reads the database")
            log.warning("storage_log_removed", file=str(self._log), lost="nothing")
        elif self._is_exclusive and self._log_size < min(size, MAX_LOG_BYTES):
            report_incomplete(self._log)
        else:
            return
        self._disconnect()

    def _empty_log_if_due(self) -> None:
        """Puts it off while another process reads: closing the file empties the log too."""
        now = self._monotonic()
        if not self._is_log_to_be_emptied or now < self._next_emptying_at:
            return
        self._next_emptying_at = now + _EMPTYING_SECONDS
        if self._connection is None:
            return
        try:
            self._is_log_to_be_emptied = not empty_log(self._connection)
        except sqlite3.Error:  # the next request reports it
            return
        self._log_size = _size(self._log)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _as_storage_error(self, error: Exception) -> StorageError:
        """Returns a new error for each request, since each gets a traceback of its own."""
        if isinstance(error, StorageError):
            return type(error)(str(error))
        failure = StorageUnavailable(f"can't use {self._path}: {explain(error)}")
        failure.__cause__ = error
        return failure


def _identity(path: Path) -> _Identity:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _attempt(connection: sqlite3.Connection, request: _Request) -> None:
    connection.execute("SAVEPOINT request")
    request.failure = None
    try:
        request.result = request.work(connection)
    except sqlite3.OperationalError:
        raise  # a fault of the file: the whole transaction fails
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError:  # the file is damaged, or not a database
            raise
        request.failure = error
    except Exception as error:  # noqa: BLE001 - the caller gets it
        request.failure = error
    if request.failure is not None:
        connection.execute("ROLLBACK TO request")
    connection.execute("RELEASE request")


def _deliver_results(batch: list[_Request]) -> None:
    for request in batch:
        request.deliver()


def _set_closed(closed: "asyncio.Future[None]") -> None:
    if not closed.done():  # the caller may have given up
        closed.set_result(None)


class _UsesDatabase(Protocol):
    database: Database


S = TypeVar("S", bound=_UsesDatabase)


def transaction(
    function: Callable[Concatenate[S, sqlite3.Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Turns a method that works on a connection into a coroutine that runs it in a transaction of `self.database`."""

    @wraps(function)
    async def run(table: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await table.database.run(lambda connection: function(table, connection, *args, **kwargs))

    return run
