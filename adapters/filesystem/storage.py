"""A directory that keeps everything: for one pack, or for a visitor beside it."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

import structlog

from adapters.filesystem.channels import FileChannels
from adapters.filesystem.database import Database
from adapters.filesystem.directory import inspect, is_temporary, lock, prepare
from adapters.filesystem.journal import FileJournal
from adapters.filesystem.journal_rows import let_go
from adapters.filesystem.outbox import FileOutbox
from adapters.filesystem.outbox_rows import end_claims
from adapters.filesystem.rate_limits import FileRateLimiter
from adapters.filesystem.recovery import quarantine_if_corrupt
from application.ports.channels import Channels
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from domain.errors import StorageUnusable

log = structlog.get_logger()


class FileStorage:
    """The storage port in a directory, which is made where there is none.

    A visitor (`exclusive=False`) finds a directory that a pack made, and reads, revives and discards beside the pack
    that may be at work in it; it makes nothing, and joins and leaves no channel.
    """

    channels: Channels
    outbox: Outbox
    journal: Journal
    rate_limiter: RateLimiter

    def __init__(self, directory: Path, *, exclusive: bool = True) -> None:
        self._directory = directory.absolute()
        self._exclusive = exclusive
        self._paces = FileRateLimiter()
        self._file = self._directory / "flyte-slack.db"
        self._database = Database(self._file, self._paces.write)
        self._channels = FileChannels(self._directory / "channels.json", self._database)
        self.channels = self._channels
        self.outbox = FileOutbox(self._database)
        self.journal = FileJournal(self._database)
        self.rate_limiter = self._paces

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as exits:
            await (self._open_exclusive(exits) if self._exclusive else self._open_shared(exits))
            yield

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        """Nobody else can take anything from here."""

    async def _open_exclusive(self, exits: AsyncExitStack) -> None:
        await asyncio.to_thread(prepare, self._directory)
        exits.callback(os.close, await asyncio.to_thread(lock, self._directory))
        await asyncio.to_thread(quarantine_if_corrupt, self._file)
        exits.push_async_callback(self._channels.close)
        await self._channels.open()
        exits.push_async_callback(self._database.close)
        await self._database.open(self._begin)
        await asyncio.to_thread(_warn_if_temporary, self._directory)

    async def _open_shared(self, exits: AsyncExitStack) -> None:
        await asyncio.to_thread(inspect, self._directory)
        if not await asyncio.to_thread(self._file.is_file):
            raise StorageUnusable(f"there is no {self._file}: has the pack ever run there?")
        await self._channels.look()
        exits.push_async_callback(self._database.close)
        try:
            descriptor = await asyncio.to_thread(lock, self._directory)
        except StorageUnusable:  # the pack is at work
            await self._database.open(self._paces.read)
            return
        try:
            await self._database.open(self._begin)
        finally:
            os.close(descriptor)

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Nobody who claimed anything can be alive."""
        end_claims(connection)
        let_go(connection)
        self._paces.read(connection)


def _warn_if_temporary(directory: Path) -> None:
    if is_temporary(directory):
        log.warning(
            "storage_in_temporary_directory",
            directory=str(directory),
            advice="the system may empty it at any time; set FLYTE_SLACK_BACKUP_DIR to a lasting one",
        )
