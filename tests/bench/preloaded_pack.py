"""`python preloaded_pack.py COUNT CHANNELS PEOPLE`: the program, with messages waiting in its storage in memory."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.memory.storage import MemoryStorage
from entrypoints.cli.main import main
from tests.bench.waiting import append_messages


def preload(count: int, channels: list[str], people: list[str]) -> None:
    """Lets this many messages wait in every storage in memory once it is open."""
    open_empty = MemoryStorage.open

    @asynccontextmanager
    async def open_full(self: MemoryStorage) -> AsyncIterator[None]:
        async with open_empty(self):
            await append_messages(self, count, channels, people)
            yield

    MemoryStorage.open = open_full  # type: ignore[method-assign]


if __name__ == "__main__":
    preload(int(sys.argv.pop(1)), sys.argv.pop(1).split(","), sys.argv.pop(1).split(","))
    main()
