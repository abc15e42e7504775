"""Console output: lines of styled spans, written as plain text or, in a terminal, in colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from entrypoints.terminal_text import printable


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line; `style` is a name in `terminal.STYLES`, or empty."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output. Continuation lines, after a line feed or a wrap, are indented by `indent` columns."""

    spans: Sequence[Span]
    indent: int = 0
    is_wrapped: bool = True
    """Whether it may be broken at the width of the terminal; not if it is to be copied."""


class OutputFailed(OSError):
    """The destination cannot be written, for example because the disk is full."""


class Output(Protocol):
    """A destination for lines."""

    def write(self, line: Line) -> None:
        """Writes a line. Raises BrokenPipeError if the reader is gone, and OutputFailed."""


class PlainOutput:
    """Writes lines without colours and without wrapping, for files and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: Line) -> None:
        """Implements Output."""
        text = "".join(printable(span.text) for span in line.spans).replace("\n", "\n" + " " * line.indent)
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputFailed(error.errno, error.strerror) from error


def text_line(text: str, style: str = "", indent: int = 0) -> Line:
    """Returns a line in one style."""
    return Line((Span(text, style),), indent)
