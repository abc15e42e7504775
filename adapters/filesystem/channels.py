"""The joined channels in channels.json, in the first pack's format; the rest of what is known of channels in SQLite."""

import asyncio
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from adapters.filesystem.database import Database, transaction
from adapters.filesystem.directory import as_storage_error, quarantine, replace
from adapters.filesystem.lanes import active_since, last_message_at
from adapters.sql.codec import from_micros, to_micros
from domain.channels import NO_CHANNEL, ChannelId, JoinedChannels
from domain.errors import StorageUnavailable, StorageUnusable
from domain.outbox import Lane

log = structlog.get_logger()


class FileChannels:
    """Implements Channels. `channels.json` alone says which channels are joined."""

    def __init__(self, path: Path, database: Database) -> None:
        self.database = database
        self._path = path
        self._joined = JoinedChannels()
        self._writer: ThreadPoolExecutor | None = None
        """One thread, so that writes happen in order."""

    async def open(self) -> None:
        """Reads the file. An unreadable one is moved aside and counts as empty."""
        self._writer = ThreadPoolExecutor(1, "channels")
        await asyncio.get_running_loop().run_in_executor(self._writer, self._read)

    async def open_read_only(self) -> None:
        """Reads the file. Raises StorageUnusable if it is unreadable."""
        try:
            self._joined = await asyncio.to_thread(read_joined, self._path)
        except (ValueError, OSError) as error:
            raise StorageUnusable(f"{self._path} can't be read: {error}") from error

    async def close(self) -> None:
        """Finishes the writes in progress."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.shutdown)

    def is_joined(self, channel_id: ChannelId) -> bool:
        """Returns whether the pack listens to the channel now. For any thread."""
        return channel_id in self._joined

    async def joined(self) -> JoinedChannels:
        return self._joined

    async def join(self, channel_id: ChannelId, *, since: datetime) -> None:
        if channel_id not in self._joined:
            # In this order: without the entry in the file, the time means nothing.
            await self._set_joined_at(channel_id, since)
            await self._change(JoinedChannels.join, channel_id)

    @transaction
    def note_listening(self, connection: sqlite3.Connection, channel_ids: Sequence[ChannelId], since: datetime) -> None:
        rows = [(channel_id, to_micros(since)) for channel_id in channel_ids]
        connection.executemany("INSERT OR IGNORE INTO joined VALUES (?, ?)", rows)

    async def was_joined(self, channel_id: ChannelId) -> bool:
        return channel_id in self._joined or await self._has_time(channel_id)

    async def leave(self, channel_id: ChannelId) -> None:
        await self._change(JoinedChannels.leave, channel_id)

    @transaction
    def unjoined_memberships(self, connection: sqlite3.Connection) -> frozenset[ChannelId] | None:
        row = connection.execute("SELECT channel_ids FROM bystanders").fetchone()
        return frozenset(json.loads(row[0])) if row else None

    @transaction
    def set_unjoined_memberships(self, connection: sqlite3.Connection, channel_ids: frozenset[ChannelId]) -> None:
        connection.execute("DELETE FROM bystanders")
        connection.execute("INSERT INTO bystanders VALUES (?)", (json.dumps(sorted(channel_ids)),))

    @transaction
    def last_message_at(
        self, connection: sqlite3.Connection, channel_id: ChannelId, *, overlap: timedelta = timedelta()
    ) -> datetime | None:
        row = connection.execute("SELECT at FROM joined WHERE channel_id = ?", (channel_id,)).fetchone()
        since = from_micros(row[0]) if row else None
        message_at = last_message_at(connection, Lane(channel_id))
        return max(filter(None, (since, message_at and message_at - overlap)), default=None)

    @transaction
    def active_since(self, connection: sqlite3.Connection, time: datetime) -> frozenset[ChannelId]:
        return frozenset(map(ChannelId, active_since(connection, time)))

    @transaction
    def _set_joined_at(self, connection: sqlite3.Connection, channel_id: ChannelId, at: datetime) -> None:
        connection.execute("REPLACE INTO joined VALUES (?, ?)", (channel_id, to_micros(at)))

    @transaction
    def _has_time(self, connection: sqlite3.Connection, channel_id: ChannelId) -> bool:
        row = connection.execute("SELECT 1 FROM joined WHERE channel_id = ?", (channel_id,)).fetchone()
        return row is not None

    def _read(self) -> None:
        self._joined = JoinedChannels()
        try:
            self._joined = read_joined(self._path)
        except (ValueError, OSError) as error:
            kept_as = _quarantine(self._path)
            log.warning("channels_unreadable", file=str(self._path), reason=str(error), kept_as=kept_as.name)

    async def replace(self, joined: JoinedChannels) -> None:
        """Replaces the joined channels."""
        await self._change(lambda _, __: joined, NO_CHANNEL)

    async def _change(
        self, change: Callable[[JoinedChannels, ChannelId], JoinedChannels], channel_id: ChannelId
    ) -> None:
        if self._writer is None:
            raise StorageUnavailable(f"{self._path} is not open for changes")
        await asyncio.get_running_loop().run_in_executor(self._writer, self._change_now, change, channel_id)

    def _change_now(self, change: Callable[[JoinedChannels, ChannelId], JoinedChannels], channel_id: ChannelId) -> None:
        """Runs in the writer's thread, so that concurrent changes build on one another."""
        joined = change(self._joined, channel_id)
        if joined == self._joined:
            return
        try:
            replace(self._path, json.dumps(joined.ids, separators=(",", ":")).encode())
        except OSError as error:
            raise StorageUnavailable(f"can't write {self._path}: {error.strerror or error}") from error
        self._joined = joined


def read_joined(path: Path) -> JoinedChannels:
    """Returns the channels in the file, each once; none if there is no file.

    Raises ValueError if it is not a list of channel ids, and OSError.
    """
    if not os.path.lexists(path):
        return JoinedChannels()
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is not a file")
    try:
        ids = json.loads(path.read_bytes().decode("utf-8-sig"))
        if not isinstance(ids, list) or not all(isinstance(channel_id, str) for channel_id in ids):
            raise ValueError("it is not a list of strings")
        "".join(ids).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if "" in ids:
        raise ValueError("a channel id is empty")
    return JoinedChannels(tuple(dict.fromkeys(ids)))


def _quarantine(path: Path) -> Path:
    try:
        return quarantine(path)
    except OSError as error:
        raise as_storage_error(error, f"move the unreadable {path} aside") from error
