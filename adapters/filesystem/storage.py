"""A storage in a directory, for one pack, or for an operator's command beside it."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog

from adapters.filesystem import backups
from adapters.filesystem.channels import FileChannels
from adapters.filesystem.copy_marks import COPYING, require_complete, require_current
from adapters.filesystem.database import Database
from adapters.filesystem.directory import (
    CHANNELS_FILE,
    DATABASE_FILE,
    MARKER_FILE,
    create,
    inspect,
    is_temporary,
    lock,
    prepare,
)
from adapters.filesystem.gaps import FileGaps
from adapters.filesystem.journal import FileJournal, release_orphans
from adapters.filesystem.lanes import end_claims_of_dead_processes
from adapters.filesystem.message_keys import FileMessageKeys
from adapters.filesystem.outbox import FileOutbox
from adapters.filesystem.rate_limits import FileRateLimiter
from adapters.filesystem.recovery import quarantine_if_corrupt, require_intact, upgrade
from adapters.filesystem.repair import Repair
from adapters.filesystem.tidying import Tidying
from adapters.filesystem.transfer import FileTransfer
from adapters.filesystem.uptime import Uptime
from adapters.filesystem.work import read_work
from application.ports.backups import Backup
from application.ports.channels import Channels
from application.ports.clock import Clock
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.replicas import Replicas
from application.ports.storage import StorageDescription, Topic
from application.ports.work import Work
from application.services.sole_process import SoleProcessLeases, SoleReplica
from domain.errors import StorageError, StorageUnusable

log = structlog.get_logger()


class FileStorage:
    """Implements Storage in a directory, which is created if necessary.

    With `exclusive=False`, for operators' commands: opens a directory that a pack has created, reads it, requeues and
    discards, beside a pack that may be running. Creates nothing, and joins and leaves no channel.
    """

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def __init__(self, directory: Path, clock: Clock, *, exclusive: bool = True) -> None:
        self._directory = directory.absolute()
        self._exclusive = exclusive
        self._clock = clock
        self._file = self._directory / DATABASE_FILE
        self._marker = self._directory / MARKER_FILE
        self._uptime = Uptime(clock)
        self.database = Database(self._file, self._before_commit, clock.monotonic, is_exclusive=exclusive)
        self._rate_limiter = FileRateLimiter(self.database, clock)
        self._tidying = Tidying(self.database, self._uptime)
        self._channels = FileChannels(self._directory / CHANNELS_FILE, self.database)
        self.channels = self._channels
        self.gaps = FileGaps(self.database)
        self.outbox = self._outbox = FileOutbox(self.database, clock, self._uptime, self._channels.is_joined)
        self.journal = FileJournal(self.database, clock, self._uptime)
        self.message_keys = FileMessageKeys(self.database, self._uptime)
        self.rate_limiter = self._rate_limiter
        self.transfer = FileTransfer(self._directory, self.database, self._channels, self._uptime, clock)
        self.leases = SoleProcessLeases()
        self.replicas = SoleReplica()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as exits:
            await (self._open_exclusive(exits) if self._exclusive else self._open_shared(exits))
            yield

    @asynccontextmanager
    async def open_for_copy(self, *, creates: bool) -> AsyncIterator[None]:
        """Implements TransferableStorage."""
        if not creates:
            await asyncio.to_thread(self._require_file)
        async with AsyncExitStack() as exits:
            await self._lock(exits, COPYING)
            await (self._open_target(exits) if creates else self._open_intact(exits))
            yield

    async def heartbeat(self, lease_seconds: float) -> None:
        """Only tidies up: no other process can take anything from here."""
        del lease_seconds
        joined, others = (await self.channels.joined()).ids, await self.channels.unjoined_memberships()
        await self._tidying.run_if_due({*joined, *(others or ())})

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        """Implements Storage. An operator's command beside the pack sends no hints."""
        if topic is Topic.OUTBOX:
            self._outbox.subscribers.append(notify)

    def describe(self) -> StorageDescription:
        return StorageDescription(str(self._directory), is_durable=True, is_shared=False)

    def back_up(self, file: Path, *, replaces: bool) -> Backup:
        """Implements BackedUpStorage."""
        return backups.back_up(self._directory, file, self._clock.now(), replaces=replaces)

    def back_up_to(self, stream: BinaryIO) -> Backup:
        """Implements BackedUpStorage."""
        return backups.back_up_to(self._directory, stream, self._clock.now())

    def restore(self, backup: BinaryIO) -> Backup:
        """Implements BackedUpStorage."""
        return backups.restore(self._directory, backup)

    async def work(self) -> Work:
        """Implements ObservableStorage."""
        return await self.database.run(
            lambda connection: read_work(connection, self._directory, self._uptime, self._clock)
        )

    async def _open_exclusive(self, exits: AsyncExitStack) -> None:
        await self._lock(exits)
        await asyncio.to_thread(require_current, self._directory)
        await self._open_files(exits, self._begin)
        await asyncio.to_thread(_warn_if_temporary, self._directory)

    async def _lock(self, exits: AsyncExitStack, purpose: str = "") -> None:
        await asyncio.to_thread(prepare, self._directory)
        exits.callback(os.close, await asyncio.to_thread(lock, self._directory, purpose))

    async def _open_files(self, exits: AsyncExitStack, begin: Callable[[sqlite3.Connection], None]) -> None:
        exits.push_async_callback(self._channels.close)
        await self._channels.open()
        had_channels = bool((await self._channels.joined()).ids)
        await asyncio.to_thread(quarantine_if_corrupt, self._file, self._marker, had_channels=had_channels)
        exits.push_async_callback(self.database.close)
        await self.database.open(begin)
        await asyncio.to_thread(create, self._marker)
        exits.push_async_callback(self._save_uptime)

    async def _open_target(self, exits: AsyncExitStack) -> None:
        """Opens what is there, or creates it. What an interrupted copy has left is replaced, and needs no repair."""
        is_incomplete = (await self.transfer.marks()).is_incomplete
        await self._open_files(exits, self._uptime.read if is_incomplete else self._settle)

    async def _open_intact(self, exits: AsyncExitStack) -> None:
        """Opens what is there, all of it or nothing."""
        await self._channels.open_read_only()
        await asyncio.to_thread(require_intact, self._file)
        exits.push_async_callback(self.database.close)
        await self.database.open(self._settle)
        exits.push_async_callback(self._save_uptime)

    def _require_file(self) -> None:
        if not self._file.is_file():
            raise StorageUnusable(f"there is no {self._file}: has the pack ever run there?")

    async def _open_shared(self, exits: AsyncExitStack) -> None:
        await asyncio.to_thread(inspect, self._directory)
        await asyncio.to_thread(require_complete, self._directory)
        await asyncio.to_thread(self._require_file)
        await self._channels.open_read_only()
        exits.push_async_callback(self.database.close)
        try:
            descriptor = await asyncio.to_thread(lock, self._directory)
        except StorageUnusable as error:
            if COPYING in str(error):
                raise
            # a pack is running
            await self.database.open(self._read)
            return
        try:
            await asyncio.to_thread(upgrade, self._file)
            await self.database.open(self._begin)
        finally:
            os.close(descriptor)

    def _begin(self, connection: sqlite3.Connection) -> None:
        self._settle(connection)
        self._rate_limiter.take_over(connection)

    def _settle(self, connection: sqlite3.Connection) -> None:
        """No process that claimed anything can be alive."""
        self._uptime.read(connection)
        end_claims_of_dead_processes(connection, self._uptime)
        release_orphans(connection)
        Repair(connection, self._clock, self._uptime).run()

    def _read(self, connection: sqlite3.Connection) -> None:
        self._uptime.read(connection)
        self._rate_limiter.read(connection)

    def _before_commit(self, connection: sqlite3.Connection) -> None:
        self._rate_limiter.write(connection)
        if self._exclusive:
            self._uptime.write_if_due(connection)

    async def _save_uptime(self) -> None:
        with suppress(StorageError):
            await self.database.run(self._uptime.write)


def _warn_if_temporary(directory: Path) -> None:
    if is_temporary(directory):
        log.warning(
            "storage_in_temporary_directory",
            directory=str(directory),
            advice="the system may empty it at any time; set FLYTE_SLACK_BACKUP_DIR to a lasting one",
        )
