"""Loads JSON and YAML documents that people write, and reports errors with file, line and column."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from marshmallow import ValidationError

from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, format_path
from entrypoints.simulation.flyte.yaml_reader import Place, read_yaml

SIZE_LIMIT = 8 * 1024 * 1024
"""In characters."""


class InvalidDocument(Exception):
    """A document cannot be used. The message names its source, the position and the reason."""

    def __init__(self, reason: str, source: str = "", mark: yaml.Mark | None = None) -> None:
        self.reason = reason
        self.line = mark.line + 1 if mark else 0
        """Counted from 1; 0 when the error has no position."""
        self.column = mark.column + 1 if mark else 0
        position = f":{self.line}:{self.column}" if mark else ""
        super().__init__(f"{source}{position}: {reason}" if source else reason)


@dataclass(frozen=True)
class Document:
    """A parsed document. `source` names it in messages; without its text, positions are unknown."""

    source: str
    data: object
    text: str = field(default="", repr=False)
    duplicates: tuple[InvalidDocument, ...] = ()
    """The keys that are given twice, of which the last one counts."""

    def load(self, schema: DocumentSchema, value: object, path: KeyPath = ()) -> object:
        """Loads the value at a path with a schema. Raises InvalidDocument for the first error in the document."""
        if self.duplicates and not schema.accepts_duplicates:
            raise self.duplicates[0]
        try:
            loaded: object = schema.load(value)  # type: ignore[arg-type] # the schema reports values that are no mappings
        except ValidationError as error:
            errors = [((*path, *inner), message) for inner, message in _flatten(error.messages)]
            place, message = self.first(errors)
            raise self.error(place, message, schema.describe(place, value)) from None
        return loaded

    def first(self, errors: list[tuple[KeyPath, str]]) -> tuple[KeyPath, str]:
        """Returns the error that stands first in the document."""
        return min(errors, key=lambda found: self._offset(found[0]))

    def error(self, path: KeyPath, message: str, place: str | None = None) -> InvalidDocument:
        """Returns the error for a path; `place` replaces the path in the message."""
        place = format_path(path) if place is None else place
        return InvalidDocument(f"{place}: {message}" if place else message, self.source, self._mark(path))

    def line(self, path: KeyPath) -> int:
        """Returns the line of the value at a path, counted from 1; 0 when it is unknown."""
        mark = self._mark(path)
        return mark.line + 1 if mark else 0

    def _offset(self, path: KeyPath) -> int:
        mark = self._mark(path)
        return mark.index if mark else 0

    def _mark(self, path: KeyPath) -> yaml.Mark | None:
        """Returns the start of the key or list item that a path names, or of its deepest part that exists."""
        place = self._place
        for key in path:
            found = place.children.get(str(key)) if place and place.children else None
            if found is None:
                break
            place = found
        return place.mark if place else None

    @cached_property
    def _place(self) -> Place | None:
        """The positions of all values, read only when an error needs one; None for JSON that is not YAML."""
        try:
            return read_yaml(self.text, with_places=True).place if self.text else None
        except (yaml.YAMLError, RecursionError):
            return None


def read_document(path: Path) -> Document:
    """Reads a JSON (`.json`) or YAML file. Raises InvalidDocument."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidDocument(f"cannot be read: {error.strerror or error}", str(path)) from error
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"cannot be read: not UTF-8 text (byte {error.start})", str(path)) from error
    return parse_document(text, str(path), is_json=path.suffix.lower() == ".json")


def parse_document(text: str, source: str, *, is_json: bool) -> Document:
    """Parses a document's text. Raises InvalidDocument."""
    if len(text) > SIZE_LIMIT:
        raise InvalidDocument(f"longer than {SIZE_LIMIT} characters", source)
    try:
        if is_json:
            return Document(source, json.loads(text), text)
        read = read_yaml(text)
    except yaml.MarkedYAMLError as error:
        raise InvalidDocument(str(error.problem or error.context), source, _within(text, error.problem_mark)) from error
    except RecursionError as error:
        raise InvalidDocument("nested too deep", source) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidDocument(str(error), source) from error
    duplicates = tuple(InvalidDocument(f"duplicate key '{key}'", source, mark) for key, mark in read.duplicates)
    return Document(source, read.data, text, duplicates)


def _within(text: str, mark: yaml.Mark | None) -> yaml.Mark | None:
    """Returns the position, or the end of the text for one behind it: libyaml counts a line after the last one."""
    lines = text.split("\n")
    if mark is None or mark.line < len(lines):
        return mark
    return yaml.Mark(mark.name, len(text), len(lines) - 1, len(lines[-1]), None, 0)


def _flatten(messages: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yields the path and text of each message of a ValidationError."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flatten(inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        yield from ((path, str(message)) for message in messages)
