"""What is written out: lines of styled spans, on plain paper or in a terminal's colours."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TextIO

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""All but line feeds: what could steer a terminal, turn the direction of writing, or not be encoded."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; `style` is one of the names in `terminal.STYLES`, or empty."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line to write, or several: after a line feed, and where it is folded, it goes on at the column `hang`."""

    spans: Sequence[Span]
    indent: int = 0


class Output(Protocol):
    """Where lines are written to."""

    def write(self, line: Line) -> None:
        """Write a line. OSError when nobody reads any more."""


class PlainOutput:
    """Text without colours and without folding, for files and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: Line) -> None:
        """See the protocol."""
        text = "".join(printable(span.text) for span in line.spans).replace("\n", "\n" + " " * line.indent)
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()


def printable(text: str) -> str:
    """The text with its control characters made visible, line feeds excepted."""
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text.replace("\r\n", "\n").replace("\t", "    "))


def text_line(text: str, style: str = "", indent: int = 0) -> Line:
    """A line in one style."""
    return Line((Span(text, style),), indent)


class CurrentStream:
    """Standard output or error, whatever it is at the moment: a prompt puts something else in its place."""

    encoding = "utf-8"

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    def write(self, text: str) -> int:
        """Write to what it is now."""
        return self._stream.write(text)

    def flush(self) -> None:
        """Flush what it is now."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal now."""
        return self._stream.isatty()

    @property
    def _stream(self) -> TextIO:
        return sys.stdout if self._name == "stdout" else sys.stderr
