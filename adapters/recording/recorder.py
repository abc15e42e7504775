"""A record in a file: JSON lines, written by a thread, so that nobody waits for the disk."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final, TextIO

import structlog

from adapters.recording.entries import Entry
from adapters.recording.schemas import dump_entry
from application.ports.clock import Clock
from domain.errors import StorageUnusable

log = structlog.get_logger()

_ONLY_THE_OWNER: Final = 0o600
_HARMLESS: Final = "backslashreplace"
"""What UTF-8 has no form for is written as JSON escapes it."""


class Record:
    """What went in and out, in the order in which it is noted. A file that is there already is added to.

    `redact` takes out of each line, a JSON object, what is not to be kept. A file that can't be written any more costs
    the rest of the record, and nothing else.
    """

    def __init__(self, path: Path, redact: Callable[[object], object], clock: Clock) -> None:
        self._path = path
        self._redact = redact
        self._clock = clock
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()

    @property
    def now(self) -> datetime:
        """The time for an entry."""
        return self._clock.now()

    def note(self, entry: Entry) -> None:
        """Keep this; written a moment later."""
        self._entries.put(entry)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Write to the file until the end. Raises StorageRefused when it can't be opened, or is a link."""
        file = await asyncio.to_thread(self._opened)
        writer = Thread(target=self._write, args=(file,), name="record", daemon=True)
        writer.start()
        try:
            yield
        finally:
            self._entries.put(None)
            await asyncio.to_thread(writer.join)

    def _opened(self) -> TextIO:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.fdopen(os.open(self._path, flags, _ONLY_THE_OWNER), "a", encoding="utf-8", errors=_HARMLESS)
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fchmod(file.fileno(), _ONLY_THE_OWNER)
                return file
        except OSError as error:
            raise self._refusal(str(error.strerror)) from error
        file.close()
        raise self._refusal("it is no ordinary file")

    def _refusal(self, reason: str) -> StorageUnusable:
        advice = "name a file that is no link, in a folder that is there"
        return StorageUnusable(f"FLYTE_SLACK_RECORD: {self._path} can't be written ({reason}); {advice}")

    def _write(self, file: TextIO) -> None:
        is_broken = False
        with file:
            while (entry := self._entries.get()) is not None:
                if is_broken:
                    continue
                try:
                    file.write(json.dumps(self._redact(dump_entry(entry)), ensure_ascii=False) + "\n")
                    file.flush()
                except OSError as error:
                    is_broken = True
                    log.error("record_incomplete", path=str(self._path), reason=str(error.strerror))  # noqa: TRY400 - no bug
