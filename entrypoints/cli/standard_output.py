"""A standard output that a full disk or a reader that has gone does not turn into a traceback."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class StandardOutput:
    """Replaces `sys.stdout`: what can't be written is dropped, so that a command reaches its own exit status."""

    def __init__(self) -> None:
        before = sys.stdout or io.StringIO()  # None: it was closed, and leads to the null device by now
        self._file = _ForgivingFile(1, "w", closefd=False)
        self._file.was_closed = sys.stdout is None
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(self._file),
            encoding=before.encoding or "utf-8",
            errors=before.errors,
            line_buffering=os.isatty(1),
        )

    def finish(self) -> bool:
        """Writes the rest. Returns False, and says why on standard error, if something was lost to a living reader."""
        sys.stdout.flush()
        failure = self._file.failure
        if failure is None or failure.errno == errno.EPIPE:
            return True
        sys.stderr.write(f"flyte-slack: can't write to standard output: {failure.strerror}\n")
        return False


class _ForgivingFile(io.FileIO):
    """Drops everything from the first failure on."""

    failure: OSError | None = None
    was_closed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


@contextmanager
def complete_output() -> Iterator[BinaryIO]:
    """Yields the standard output for what is worth nothing unless it is complete.

    Raises OSError at the end if something was dropped.
    """
    yield sys.stdout.buffer
    sys.stdout.flush()
    file = getattr(sys.stdout.buffer, "raw", None)
    if not isinstance(file, _ForgivingFile):
        return
    if file.was_closed:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if failure := file.failure:
        file.failure = None  # reported once
        raise failure


def discard_unwritten() -> None:
    """Leads a standard output that can't be written to the null device, before Python flushes it at its exit."""
    if sys.stdout is None or sys.stdout.closed:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
