"""The joined channels in channels.json, as the first pack wrote it; what else is known of channels in SQLite."""

import asyncio
import json
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from adapters.filesystem.codec import from_micros, to_micros
from adapters.filesystem.database import Database
from adapters.filesystem.directory import as_storage_error, quarantine, replace
from adapters.filesystem.outbox_rows import heard_since, heard_until
from domain.channels import ChannelId, JoinedChannels
from domain.errors import StorageUnavailable, StorageUnusable

log = structlog.get_logger()


class FileChannels:
    """The channels port. `channels.json` alone says which are joined."""

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        self._joined = JoinedChannels()
        self._files: ThreadPoolExecutor | None = None
        """One thread, so that one writing follows the other."""

    async def open(self) -> None:
        """Take over what the file says. One that can't be read is kept aside, and counts as none."""
        self._files = ThreadPoolExecutor(1, "channels")
        await self._in_thread(self._take_over)

    async def look(self) -> None:
        """Read the file, to change nothing. StorageRefused when it can't be read."""
        try:
            self._joined = await asyncio.to_thread(read_joined, self._path)
        except (ValueError, OSError) as error:
            raise StorageUnusable(f"{self._path} can't be read: {error}") from error

    async def close(self) -> None:
        """Finish the writing in hand."""
        files, self._files = self._files, None
        if files is not None:
            await asyncio.to_thread(files.shutdown)

    async def joined(self) -> JoinedChannels:
        return self._joined

    async def join(self, channel_id: ChannelId, at: datetime) -> None:
        if channel_id in self._joined:
            return
        # First: without the file's word for it, the time means nothing.
        await self._database.run(lambda connection: _note_joined(connection, channel_id, to_micros(at)))
        await self._in_thread(lambda: self._write(self._joined.join(channel_id)))

    async def leave(self, channel_id: ChannelId) -> None:
        await self._in_thread(lambda: self._write(self._joined.leave(channel_id)))

    async def unjoined_memberships(self) -> frozenset[ChannelId] | None:
        return await self._database.run(_bystanders)

    async def set_unjoined_memberships(self, channel_ids: frozenset[ChannelId]) -> None:
        await self._database.run(lambda connection: _note_bystanders(connection, channel_ids))

    async def last_message_at(self, channel_id: ChannelId, *, overlap: timedelta = timedelta()) -> datetime | None:
        joined_at, heard_at = await self._database.run(
            lambda connection: (_joined_at(connection, channel_id), heard_until(connection, channel_id))
        )
        moments = joined_at if channel_id in self._joined else None, heard_at and heard_at - overlap
        return max(filter(None, moments), default=None)

    async def active_since(self, moment: datetime) -> frozenset[ChannelId]:
        return await self._database.run(lambda connection: heard_since(connection, to_micros(moment)))

    async def _in_thread(self, deed: Callable[[], None]) -> None:
        if self._files is None:
            raise StorageUnavailable(f"{self._path} is not open for changes")
        await asyncio.get_running_loop().run_in_executor(self._files, deed)

    def _take_over(self) -> None:
        self._joined = JoinedChannels()
        try:
            self._joined = read_joined(self._path)
        except (ValueError, OSError) as error:
            aside = _keep_aside(self._path)
            log.warning("channels_unreadable", file=str(self._path), reason=str(error), kept_as=aside.name)

    def _write(self, joined: JoinedChannels) -> None:
        if joined == self._joined:
            return
        try:
            replace(self._path, json.dumps(joined.ids, separators=(",", ":")).encode())
        except OSError as error:
            raise StorageUnavailable(f"can't write {self._path}: {error.strerror or error}") from error
        self._joined = joined


def read_joined(path: Path) -> JoinedChannels:
    """What the file says, each channel once. ValueError when that is not a list of channel ids; OSError.

    None when there is no file.
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


def _keep_aside(path: Path) -> Path:
    try:
        return quarantine(path)
    except OSError as error:
        raise as_storage_error(error, f"move {path} away, which can't be read") from error


def _bystanders(connection: sqlite3.Connection) -> frozenset[ChannelId] | None:
    row = connection.execute("SELECT channel_ids FROM bystanders").fetchone()
    return frozenset(json.loads(row[0])) if row else None


def _note_bystanders(connection: sqlite3.Connection, channel_ids: frozenset[ChannelId]) -> None:
    connection.execute("DELETE FROM bystanders")
    connection.execute("INSERT INTO bystanders VALUES (?)", (json.dumps(sorted(channel_ids)),))


def _joined_at(connection: sqlite3.Connection, channel_id: ChannelId) -> datetime | None:
    row = connection.execute("SELECT at FROM joined WHERE channel_id = ?", (channel_id,)).fetchone()
    return from_micros(row[0]) if row else None


def _note_joined(connection: sqlite3.Connection, channel_id: ChannelId, joined_at: int) -> None:
    connection.execute("REPLACE INTO joined VALUES (?, ?)", (channel_id, joined_at))
