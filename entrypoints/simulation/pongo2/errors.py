"""Template errors: syntax errors found while parsing, and runtime errors found while rendering."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a template. Lines and columns count from 1; columns are in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class TemplateError(Exception):
    """An error in a template. `position` is None only until the enclosing node adds it."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return self.message if self.position is None else f"{self.position}: {self.message}"


class TemplateSyntaxError(TemplateError):
    """The template can't be parsed: a syntax error, or an unsupported tag, filter or function."""


class TemplateRuntimeError(TemplateError):
    """The template can't be rendered with these values, or exceeds a limit."""
