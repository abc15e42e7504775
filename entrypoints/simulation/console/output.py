"""Console output: lines of styled spans, written as plain text or, in a terminal, in colours."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TextIO

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""All control characters except line feeds: they could steer the terminal, reverse text, or fail to encode."""


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


class Output(Protocol):
    """A destination for lines."""

    def write(self, line: Line) -> None:
        """Write a line. Raises OSError if the reader is gone."""


class PlainOutput:
    """Writes lines without colours and without wrapping, for files and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: Line) -> None:
        """See the protocol."""
        text = "".join(printable(span.text) for span in line.spans).replace("\n", "\n" + " " * line.indent)
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()


def printable(text: str) -> str:
    """Returns the text with its control characters escaped, except for line feeds."""
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text.replace("\r\n", "\n").replace("\t", "    "))


def text_line(text: str, style: str = "", indent: int = 0) -> Line:
    """Returns a line in one style."""
    return Line((Span(text, style),), indent)


class CurrentStream:
    """Forwards to the current `sys.stdout` or `sys.stderr`, which prompt_toolkit replaces during a prompt."""

    encoding = "utf-8"

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    def write(self, text: str) -> int:
        """Write to the current stream."""
        return self._stream.write(text)

    def flush(self) -> None:
        """Flush the current stream."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the current stream is a terminal."""
        return self._stream.isatty()

    @property
    def _stream(self) -> TextIO:
        return sys.stdout if self._name == "stdout" else sys.stderr
