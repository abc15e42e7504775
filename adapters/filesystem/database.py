"""One thread that owns the SQLite connection: what waits is done in one transaction, with one fsync."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar, cast

from adapters.filesystem.schema import PURGE_BATCH, connect
from domain.errors import StorageError, StorageUnavailable, StorageUnusable

T = TypeVar("T")

_LARGEST_BATCH = 1000
"""Requests in one transaction: enough to spread the fsync, few enough for the first not to wait for ever."""


Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""What a request does in the transaction. Whatever it raises undoes this request alone."""


@dataclass(slots=True)
class _Request:
    work: Work[Any]
    answer: "asyncio.Future[Any]"
    result: Any = None
    failure: BaseException | None = None

    def hand_out(self) -> None:
        if self.answer.done():  # cancelled
            return
        if self.failure is None:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(self.failure)


class Database:
    """The SQLite file, reached through one thread. Requests that come while it commits are committed together."""

    def __init__(self, path: Path, before_commit: Callable[[sqlite3.Connection], None]) -> None:
        """`before_commit` adds to each transaction, in the thread."""
        self._path = path
        self._before_commit = before_commit
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the file that was opened first: no other one may take its place."""
        self._has_failed = False
        """The last transaction did."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: asyncio.Future[None] | None = None

    async def open(self, first: Work[T]) -> T:
        """Start the thread and do this first. StorageRefused, StorageUnavailable: then it is closed again."""
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._requests, self._file, self._has_failed = SimpleQueue(), None, False
        # A daemon thread: a disk that does not answer must not keep the process from ending.
        threading.Thread(target=self._serve, args=(self._loop, self._closed), name="storage", daemon=True).start()
        try:
            return await self._ask(first)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Do what was asked for so far, and end the thread."""
        if self._closed is not None:
            closed, self._loop, self._closed = self._closed, None, None
            self._requests.put(None)
            await closed

    async def run(self, work: Work[T]) -> T:
        """The work's result, once its transaction is on the disk. StorageUnavailable: it had no effect."""
        try:
            return await self._ask(work)
        except StorageUnusable as error:
            raise StorageUnavailable(str(error)) from error

    async def run_in_batches(self, work: Work[int]) -> int:
        """Repeat work that drops at most PIECE rows until it drops fewer; how many they were in all."""
        total = dropped = await self.run(work)
        while dropped == PURGE_BATCH:
            dropped = await self.run(work)
            total += dropped
        return total

    async def _ask(self, work: Work[T]) -> T:
        if self._loop is None:
            raise StorageUnavailable(f"{self._path} is not open")
        request = _Request(work, self._loop.create_future())
        self._requests.put(request)
        return cast("T", await request.answer)

    def _serve(self, loop: asyncio.AbstractEventLoop, closed: "asyncio.Future[None]") -> None:
        is_open = True
        while is_open:
            batch, is_open = self._gather()
            self._perform(batch)
            loop.call_soon_threadsafe(_hand_out, batch)
        self._disconnect()
        loop.call_soon_threadsafe(_tell_closed, closed)

    def _gather(self) -> tuple[list[_Request], bool]:
        """What waits, at least one; and whether there may be more to come."""
        batch: list[_Request] = []
        request = self._requests.get()
        while request is not None:
            batch.append(request)
            if len(batch) == _LARGEST_BATCH:
                return batch, True
            try:
                request = self._requests.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _perform(self, batch: list[_Request]) -> None:
        """Do all of it in one transaction; when that fails, none of it."""
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            for request in batch:
                _attempt(connection, request)
            self._before_commit(connection)
            connection.execute("COMMIT")
            self._has_failed = False
        except (sqlite3.Error, OSError, StorageError) as error:
            self._undo()
            for request in batch:
                request.failure = self._told(error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not leave anybody waiting
            self._undo()
            for request in batch:
                request.failure = error

    def _undo(self) -> None:
        """Roll back; when one failure follows another, open the file anew for the next try.

        Not at once: in the connection that failed, SQLite knows that the transaction did not happen, though all of it
        may stand in the log already. To another one it would have happened.
        """
        has_failed_before, self._has_failed = self._has_failed, True
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            has_failed_before = True
        if has_failed_before:
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        status = self._path.stat()
        if self._file not in (None, (status.st_dev, status.st_ino)):
            raise StorageUnavailable(f"{self._path} was replaced while in use; put it back, or start again")
        if self._connection is None:
            self._connection = connect(self._path)
            self._file = status.st_dev, status.st_ino
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _told(self, error: Exception) -> StorageError:
        """What an operator reads; a new one for each request, since each gets a traceback of its own."""
        if isinstance(error, StorageError):
            return type(error)(str(error))
        code = getattr(error, "sqlite_errorname", "") or getattr(error, "strerror", "")
        failure = StorageUnavailable(f"can't use {self._path}: {error}" + (f" ({code})" if code else ""))
        failure.__cause__ = error
        return failure


def _attempt(connection: sqlite3.Connection, request: _Request) -> None:
    connection.execute("SAVEPOINT request")
    try:
        request.result = request.work(connection)
    except sqlite3.OperationalError:
        raise  # the file's fault: all of the transaction suffers
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError:  # the file is damaged, or is no database
            raise
        request.failure = error
    except Exception as error:  # noqa: BLE001 - the caller gets it
        request.failure = error
    if request.failure is not None:
        connection.execute("ROLLBACK TO request")
    connection.execute("RELEASE request")


def _hand_out(batch: list[_Request]) -> None:
    for request in batch:
        request.hand_out()


def _tell_closed(closed: "asyncio.Future[None]") -> None:
    if not closed.done():  # who waited for it gave up
        closed.set_result(None)
