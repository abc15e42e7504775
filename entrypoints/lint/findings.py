"""What the linter reports."""

from dataclasses import dataclass
from typing import NamedTuple

from yaml import Mark

from entrypoints.simulation.flyte.document_schemas import KeyPath


class Problem(NamedTuple):
    """A mistake that a check found in a flow: its place, and a clause that says what to write instead."""

    path: KeyPath
    message: str
    offset: int | None = None
    """The character of the text at the path that it is about; None: the key."""
    mark: Mark | None = None
    """Its place in the file, if it is neither a key nor a character of a text."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A mistake in a file. Lines and columns count from 1, columns in characters; both are 1 if unknown."""

    file: str
    line: int
    column: int
    check: str
    """The id of the check that found it."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} [{self.check}]"
