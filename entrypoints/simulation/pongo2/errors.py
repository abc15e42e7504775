"""Template errors: syntax errors found while parsing, and runtime errors found while rendering."""

from dataclasses import dataclass
from typing import Final, Self

_SERVER_PREFIX: Final = "{% autoescape off %}"
"""The text that the server puts before each template, and counts in the columns of the first line."""
EXECUTION: Final = " (where: execution) in <string>"


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a template. Lines and columns count from 1; columns are in characters."""

    line: int
    column: int

    def offset(self, source: str) -> int:
        """Returns the position as an offset in the template's source."""
        lines = source.split("\n")[: self.line - 1]
        return sum(map(len, lines)) + len(lines) + self.column - 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class TemplateError(Exception):
    """An error in a template. `position` is None only until the enclosing node adds it."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def offset(self, source: str) -> int:
        """Returns the position as an offset in the template's source; 0 if it is unknown."""
        return 0 if self.position is None else self.position.offset(source)

    def __str__(self) -> str:
        return self.message if self.position is None else f"{self.position}: {self.message}"


class TemplateSyntaxError(TemplateError):
    """The template can't be parsed: a syntax error, or an unknown tag or filter."""


class UnknownFilter(TemplateSyntaxError):
    """There is no filter of that name."""


class UnknownEscape(TemplateSyntaxError):
    """A string has a backslash before a character that can't be escaped."""


class TemplateRuntimeError(TemplateError):
    """The template can't be rendered with these values, or exceeds a limit."""

    def located(self, position: Position, near: str, *, prefix: str = "", origin: str = EXECUTION) -> Self:  # noqa: ARG002 (only some errors report them)
        """Adds the position, unless there is one; `near` is the text at it, `origin` the server's name of its part."""
        if self.position is None:
            self.position = position
            self.message = f"{prefix}{self.message}"
        return self


class ReportedError(TemplateRuntimeError):
    """An error that the server writes into the text when it happens in a macro; all other errors end the template.

    `wording` is the server's message.
    """

    def __init__(self, message: str, *, wording: str) -> None:
        super().__init__(message)
        self._wording = wording
        self._near = ""
        self._origin = EXECUTION

    def located(self, position: Position, near: str, *, prefix: str = "", origin: str = EXECUTION) -> Self:
        """See TemplateRuntimeError."""
        if self.position is None:
            self._near, self._origin = near, origin
        return super().located(position, near, prefix=prefix, origin=origin)

    def report(self) -> str:
        """Returns the text that the server writes."""
        place = ""
        if self.position is not None:
            column = self.position.column + (len(_SERVER_PREFIX) if self.position.line == 1 else 0)
            place = f" | Line {self.position.line} Col {column} near '{self._near}'"
        return f"[Error{self._origin}{place}] {self._wording}"
