"""A process that uses a storage, to be killed or to run out of disk. Prints what has been stored."""

import asyncio
import os
import resource
import sys
import threading
from functools import partial
from itertools import count
from pathlib import Path
from signal import SIGKILL
from types import FrameType

import structlog

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from domain.errors import StorageUnavailable
from domain.messages import IncomingMessage
from domain.outbox import outbox_entry
from entrypoints.testing.storage_values import CLOCK, HELD, LANE_A, LEASE, NOW, STEP_A, A, action, at, new_entry

BATCH = 10
_MAX_FILE_BYTES = 400_000
"""The largest size of any one file."""


def report(text: object) -> None:
    print(text, flush=True)  # noqa: T201 - the parent process reads it


async def hold_lock(directory: Path) -> None:
    """Holds the lock of the directory until killed."""
    async with FileStorage(directory, CLOCK).open():
        report("open")
        await asyncio.Event().wait()


async def append_forever(directory: Path) -> None:
    """Appends batches from many tasks at once and prints the number of each stored one."""
    storage = FileStorage(directory, SystemClock())
    numbers = count()

    async def append_batches() -> None:
        for number in numbers:
            entries = [new_entry(ChannelId(f"C{number % 7}"), number * BATCH + n, 0) for n in range(BATCH)]
            await storage.outbox.append(entries)
            report(number)

    async with storage.open(), asyncio.TaskGroup() as tasks:
        for name in range(8):
            tasks.create_task(append_batches(), name=f"appender {name}")


async def hold_claims(directory: Path) -> None:
    """Holds a claimed message and an action until killed."""
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        [claim] = await at(storage, NOW).outbox.claim(1, 10, LEASE)
        await storage.outbox.ack(claim, claim.entries[0])
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await at(storage, NOW).journal.begin_step(action().id, STEP_A, HELD)
        report("open")
        await asyncio.Event().wait()


async def fill_disk(directory: Path) -> None:
    """Appends until the disk is full, makes room, and appends once more; prints the result of each."""
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, resource.RLIM_INFINITY))
        # Data goes to the write-ahead log first and from there to the file; both have to be full.
        refusals, number = 0, 0
        while refusals < 5:
            refusals = 0 if await _try(storage, number) else refusals + 1
            number += 1
        await _try_to_join(storage)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert await _try(storage, number)


def migrate_and_be_killed(directory: Path) -> None:
    """Opens the storage in processes that are killed at their first, second, third SQL statement, and so on.

    Prints how many were killed before one opened and closed it.
    """
    for statement in count(1):
        process = os.fork()
        if not process:
            threading.setprofile(partial(_kill_at, statement))
            asyncio.run(_open_and_close(directory))
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            report(statement - 1)
            return


_executed = count(1)


def _kill_at(statement: int, _frame: FrameType, event: str, function: object) -> None:
    """Watches the calls of a thread. Kills the process when it is about to execute the given SQL statement."""
    if event == "c_call" and getattr(function, "__name__", "") == "execute" and next(_executed) == statement:
        os.kill(os.getpid(), SIGKILL)


async def _open_and_close(directory: Path) -> None:
    async with FileStorage(directory, CLOCK).open():
        pass


async def _try(storage: FileStorage, number: int) -> bool:
    message = IncomingMessage(A, f"{number}.000000", "x" * 5000)
    try:
        await storage.outbox.append([outbox_entry(message, NOW)])
    except StorageUnavailable as error:
        report(f"refused {number}: {error}")
        return False
    report(f"stored {number}")
    return True


async def _try_to_join(storage: FileStorage) -> None:
    try:
        await storage.channels.join(ChannelId("C" * 2 * _MAX_FILE_BYTES), since=NOW)
    except StorageUnavailable as error:
        report(f"refused to join: {error}"[:200])


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    operations = {operation.__name__: operation for operation in (hold_lock, append_forever, hold_claims, fill_disk)}
    if sys.argv[1] == migrate_and_be_killed.__name__:
        migrate_and_be_killed(Path(sys.argv[2]))
    else:
        asyncio.run(operations[sys.argv[1]](Path(sys.argv[2])))
