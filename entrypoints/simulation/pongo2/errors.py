"""What can be wrong with a template: refused when it is read, or failed when it is rendered; always with its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a template something stands; both counted from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class TemplateError(Exception):
    """Something is wrong with a template; `place` is None only while the error is on its way to the node it is in."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place

    def __str__(self) -> str:
        return self.message if self.place is None else f"{self.place}: {self.message}"


class TemplateRefusedError(TemplateError):
    """The template can't be read: wrong syntax, or a tag, filter or function that is not supported."""


class TemplateFailedError(TemplateError):
    """The template was read, but can't be rendered with the values at hand, or broke a limit."""
