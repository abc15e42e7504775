"""A standard error that never fails: what can't be written is dropped."""

import io
import os
import select
import sys
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STREAMS: Final = (0, 1, 2)
_PATIENCE_SECONDS: Final = 1.0
_PIECE_BYTES: Final = 4096
"""The number of bytes that a pipe which is ready for writing takes at once (PIPE_BUF)."""


def install_standard_error() -> None:
    """Replaces `sys.stderr`: a full disk, a closed pipe or one without a reader must not stop the program.

    Closed standard streams lead to the null device from now on. A file or socket that is opened later would otherwise
    get their numbers, and with them what is written to the stream.
    """
    for number in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stderr = open_unfailing(2)


def open_unfailing(descriptor: int) -> IO[str]:
    """Returns an unbuffered text stream on the descriptor whose methods don't raise, and don't block for long."""
    return io.TextIOWrapper(
        _UnfailingFile(descriptor, "w", closefd=False),  # unbuffered, as with python -u
        encoding=getattr(sys.__stderr__, "encoding", None) or "utf-8",
        errors="backslashreplace",
        write_through=True,
    )


class _UnfailingFile(io.FileIO):
    """Drops what can't be written."""

    _is_stalled = False
    _is_torn = False
    """Whether the rest of a line is missing."""

    def write(self, data: "ReadableBuffer", /) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        if self._is_torn:
            rest = memoryview(b"\n" + bytes(rest))
        try:
            while rest and self._has_room():
                rest = rest[os.write(self.fileno(), rest[:_PIECE_BYTES]) :]
        except OSError:
            pass
        self._is_torn = bool(rest) and (self._is_torn or len(rest) < size)
        return size

    def _has_room(self) -> bool:
        """Waits for a reader, once: while there is none, the program must not slow down."""
        _, ready, _ = select.select([], [self.fileno()], [], 0 if self._is_stalled else _PATIENCE_SECONDS)
        self._is_stalled = not ready
        return bool(ready)
