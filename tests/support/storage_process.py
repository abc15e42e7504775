"""A process of its own that uses a storage, to be killed, or to run out of disk. Says on its output what is safe."""

import asyncio
import resource
import sys
from itertools import count
from pathlib import Path

import structlog

from adapters.filesystem.storage import FileStorage
from domain.channels import ChannelId
from domain.errors import StorageUnavailable
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry
from tests.contracts.storage_values import LEASE, NOW, A, action, heard

BATCH = 10
_LIMIT = 400_000
"""Bytes, for any one file."""


def say(text: object) -> None:
    print(text, flush=True)  # noqa: T201 - what this process is for


async def hold(directory: Path) -> None:
    """Have the directory until killed."""
    async with FileStorage(directory).open():
        say("open")
        await asyncio.Event().wait()


async def append_for_ever(directory: Path) -> None:
    """Append batches from many sides at once, and say the number of each that is safe."""
    storage = FileStorage(directory)
    numbers = count()

    async def side() -> None:
        for number in numbers:
            entries = [heard(ChannelId(f"C{number % 7}"), number * BATCH + n, 0) for n in range(BATCH)]
            await storage.outbox.append(entries)
            say(number)

    async with storage.open(), asyncio.TaskGroup() as sides:
        for name in range(8):
            sides.create_task(side(), name=f"side {name}")


async def claim_and_hang(directory: Path) -> None:
    """Have a message and an action in hand until killed."""
    storage = FileStorage(directory)
    async with storage.open():
        await storage.outbox.append([heard(A, 1), heard(A, 2)])
        [claim] = await storage.outbox.claim(1, 10, NOW, LEASE)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.journal.record(action(), NOW)
        await storage.journal.begin_step(action().id, A, NOW)
        say("open")
        await asyncio.Event().wait()


async def fill(directory: Path) -> None:
    """Append until the disk is full, make room, and append once more; say what was said of each."""
    storage = FileStorage(directory)
    async with storage.open():
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, resource.RLIM_INFINITY))
        # What is written goes to the log first and from there to the file: both have to be full.
        refusals, number = 0, 0
        while refusals < 5:
            refusals = 0 if await _try(storage, number) else refusals + 1
            number += 1
        await _try_to_join(storage)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert await _try(storage, number)


async def _try(storage: FileStorage, number: int) -> bool:
    said = IncomingMessage(A, f"{number}.000000", "x" * 5000)
    try:
        await storage.outbox.append([OutboxEntry(said, NOW)])
    except StorageUnavailable as error:
        say(f"refused {number}: {error}")
        return False
    say(f"kept {number}")
    return True


async def _try_to_join(storage: FileStorage) -> None:
    try:
        await storage.channels.join(ChannelId("C" * 2 * _LIMIT), NOW)
    except StorageUnavailable as error:
        say(f"refused to join: {error}"[:200])


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    deeds = {deed.__name__: deed for deed in (hold, append_for_ever, claim_and_hang, fill)}
    asyncio.run(deeds[sys.argv[1]](Path(sys.argv[2])))
