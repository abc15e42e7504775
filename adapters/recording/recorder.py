"""Writes a recording to a file as JSON lines, in a thread, so that nothing waits for the disk."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
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

_OWNER_ONLY: Final = 0o600
NO_RECORDING: Final = "not a recording, but a file of another kind"
"""Why nothing is appended to a file."""
_FIRST: Final = b'{"at":'
_ENCODING_ERRORS: Final = "backslashreplace"
"""Characters that UTF-8 can't encode are written as JSON escapes them."""


def is_recording(descriptor: int) -> bool:
    """Whether an open file begins as every recording does, or is empty."""
    return _FIRST.startswith(os.pread(descriptor, len(_FIRST), 0))


class Recorder:
    """Writes entries in the order in which it gets them, appending to an existing file.

    `redact` removes secrets from each line, a JSON object. If the file can't be written any more, the rest of the
    recording is lost, and nothing else.
    """

    def __init__(self, path: Path, redact: Callable[[object], object], clock: Clock) -> None:
        self._path = path
        self._redact = redact
        self._clock = clock
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()
        self.failure = ""
        """Why the recording is incomplete; empty if it is complete."""

    @property
    def now(self) -> datetime:
        """The time for an entry."""
        return self._clock.now()

    def write(self, entry: Entry) -> None:
        """Writes the entry a moment later."""
        self._entries.put(entry)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Opens the file, closes it at the end. Raises StorageUnusable if it can't be opened, or is no recording."""
        file = await asyncio.to_thread(self._open_file)
        writer = Thread(target=self._write_lines, args=(file,), name="recorder", daemon=True)
        writer.start()
        try:
            yield
        finally:
            self._entries.put(None)
            await asyncio.to_thread(writer.join)

    def _open_file(self) -> TextIO:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.fdopen(os.open(self._path, flags, _OWNER_ONLY), "a", encoding="utf-8", errors=_ENCODING_ERRORS)
            is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            if is_regular and is_recording(file.fileno()):
                os.fchmod(file.fileno(), _OWNER_ONLY)
                return file
        except OSError as error:
            raise self._unusable(str(error.strerror)) from error
        file.close()
        raise self._unusable(NO_RECORDING if is_regular else "not a regular file")

    def _unusable(self, reason: str) -> StorageUnusable:
        remedy = "use a new file or a recording in an existing directory, not a link"
        return StorageUnusable(f"FLYTE_SLACK_RECORD: {self._path} can't be written ({reason}); {remedy}")

    def _write_lines(self, file: TextIO) -> None:
        while (entry := self._entries.get()) is not None:
            if self.failure:
                continue
            try:
                file.write(json.dumps(self._redact(dump_entry(entry)), ensure_ascii=False) + "\n")
                file.flush()
            except OSError as error:
                self.failure = str(error.strerror)
                log.error("record_incomplete", path=str(self._path), reason=self.failure)  # noqa: TRY400 - no bug
        with suppress(OSError):  # the rest of a line that could not be written, which is tried once more
            file.close()
