"""Loads JSON and YAML documents that people write, and reports errors with file, line and column."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import yaml
from marshmallow import ValidationError

from entrypoints.simulation.flyte.document_fields import TemplateProblem
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, format_path
from entrypoints.simulation.flyte.scalar_positions import position_in_scalar
from entrypoints.simulation.flyte.yaml_reader import Place, Scalar, read_yaml
from entrypoints.simulation.pongo2.errors import TemplateError

T = TypeVar("T")

SIZE_LIMIT = 8 * 1024 * 1024
"""The size limit of a document in characters."""
SECOND_DOCUMENT = "only the first document of a file is read; move what follows --- to a file of its own"


class InvalidDocument(Exception):
    """A document cannot be used. The message names its source, the position and the reason."""

    def __init__(self, reason: str, source: str = "", mark: yaml.Mark | None = None) -> None:
        self.reason = reason
        self.line = mark.line + 1 if mark else 0
        """Counted from 1; 0 when the error has no position."""
        self.column = mark.column + 1 if mark else 0
        position = f":{self.line}:{self.column}" if mark else ""
        super().__init__(f"{source}{position}: {reason}" if source else reason)


def raise_all(errors: Sequence[InvalidDocument]) -> None:
    """Raises one InvalidDocument for all errors, if there are any."""
    if errors:
        raise InvalidDocument("\n".join(map(str, errors)))


@dataclass(frozen=True)
class Document:
    """A parsed document. `source` names it in messages; without its text, positions are unknown."""

    source: str
    data: object
    text: str = field(default="", repr=False)
    duplicates: tuple[InvalidDocument, ...] = ()
    """The keys that are given twice, of which the last one counts."""
    second: InvalidDocument | None = None
    """A second document in the same text, which is not read."""

    def refuse_unread(self) -> None:
        """Raises InvalidDocument for something that is written in vain: a duplicate key, or a second document."""
        for unread in (*self.duplicates, self.second):
            if unread is not None:
                raise unread

    def load(self, schema: DocumentSchema, value: object, path: KeyPath = ()) -> object:
        """Loads the value at a path with a schema. Raises InvalidDocument for the first error in the document."""
        if not schema.accepts_unread:
            self.refuse_unread()
        try:
            loaded: object = schema.load(value)  # type: ignore[arg-type] # the schema reports values that are no mappings
        except ValidationError as error:
            place, message = self.first(_errors(error, path))
            name = schema.describe(place, value)
            if isinstance(message, TemplateProblem):
                raise self.template_error(place, message.error, name) from None
            raise self.error(place, message, name) from None
        return loaded

    def errors(self, schema: DocumentSchema, value: object, path: KeyPath = ()) -> list[tuple[KeyPath, str]]:
        """Returns all errors of the value at a path by a schema."""
        try:
            schema.load(value)  # type: ignore[arg-type] # as above
        except ValidationError as error:
            return _errors(error, path)
        return []

    def first(self, errors: list[tuple[KeyPath, T]]) -> tuple[KeyPath, T]:
        """Returns the error that stands first in the document."""
        return min(errors, key=lambda found: self._offset(found[0]))

    def error(self, path: KeyPath, message: str, place: str | None = None) -> InvalidDocument:
        """Returns the error for a path; `place` replaces the path in the message."""
        place = format_path(path) if place is None else place
        return InvalidDocument(f"{place}: {message}" if place else message, self.source, self.mark(path))

    def template_error(self, path: KeyPath, error: TemplateError, place: str) -> InvalidDocument:
        """Returns the error in the template at a path, at its position in the document if that is known."""
        mark = self.mark_in_scalar(path, error.offset(str(self.value(path))))
        if mark is None:
            return self.error(path, str(error), place)
        return InvalidDocument(f"{place}: {error.message}", self.source, mark)

    def value(self, path: KeyPath) -> object:
        """Returns the value at a path; None if there is none."""
        value = self.data
        for key in path:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def places(self) -> Iterator[tuple[KeyPath, Place]]:
        """Yields the path and the place of every value, in the order in which they are written."""
        return _places(self.data, self._place, ())

    def path_at(self, line: int, column: int) -> KeyPath:
        """Returns the path of the key or list item that begins last before a position, both counted from 0."""
        starts = [((place.mark.line, place.mark.column), path) for path, place in self.places()]
        before = sorted((start for start in starts if start[0] <= (line, column)), key=lambda start: start[0])
        return before[-1][1] if before else ()

    def scalar(self, path: KeyPath) -> Scalar | None:
        """Returns where the scalar at a path is written; None if that is unknown, or if it is none."""
        place = self._place
        for key in path:
            place = place.children.get(str(key)) if place and place.children else None
        return place.scalar if place else None

    def mark_in_scalar(self, path: KeyPath, offset: int) -> yaml.Mark | None:
        """Returns where the character at an offset of the text at a path is written; None if that is unknown."""
        scalar, value = self.scalar(path), self.value(path)
        if scalar is None or not isinstance(value, str):
            return None
        index = position_in_scalar(self.text, scalar, value, offset)
        return mark_at(self.text, index)

    def line(self, path: KeyPath) -> int:
        """Returns the line of the value at a path, counted from 1; 0 when it is unknown."""
        mark = self.mark(path)
        return mark.line + 1 if mark else 0

    def _offset(self, path: KeyPath) -> int:
        mark = self.mark(path)
        return mark.index if mark else 0

    def mark(self, path: KeyPath) -> yaml.Mark | None:
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


def _places(data: object, place: Place | None, path: KeyPath) -> Iterator[tuple[KeyPath, Place]]:
    if place is None:
        return
    if path:
        yield path, place
    items = enumerate(data) if isinstance(data, list) else data.items() if isinstance(data, dict) else ()
    for key, item in items:
        yield from _places(item, (place.children or {}).get(str(key)), (*path, key))


def mark_at(text: str, index: int) -> yaml.Mark:
    """Returns the position of a character of a text."""
    start = text.rfind("\n", 0, index) + 1
    return yaml.Mark("", index, text.count("\n", 0, index), index - start, None, 0)


def read_document(path: Path) -> Document:
    """Reads a JSON (`.json`) or YAML file. Raises InvalidDocument."""
    return parse_document(read_text(path), str(path), is_json=is_json_file(path))


def is_json_file(path: Path) -> bool:
    """Whether a file is read as JSON, by its name."""
    return path.suffix.lower() == ".json"


def read_text(path: Path) -> str:
    """Returns the text of a file. Raises InvalidDocument."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidDocument(f"cannot be read: {error.strerror or error}", str(path)) from error
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"cannot be read: not UTF-8 text (byte {error.start})", str(path)) from error


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
    second = InvalidDocument(SECOND_DOCUMENT, source, read.second) if read.second else None
    return Document(source, read.data, text, duplicates, second)


def _within(text: str, mark: yaml.Mark | None) -> yaml.Mark | None:
    """Returns the position, or the end of the text for one behind it: libyaml counts a line after the last one."""
    lines = text.split("\n")
    if mark is None or mark.line < len(lines):
        return mark
    return yaml.Mark(mark.name, len(text), len(lines) - 1, len(lines[-1]), None, 0)


def _errors(error: ValidationError, path: KeyPath) -> list[tuple[KeyPath, str]]:
    return [((*path, *inner), message) for inner, message in _flatten(error.messages)]


def _flatten(messages: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yields the path and text of each message of a ValidationError."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flatten(inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        yield from ((path, message if isinstance(message, str) else str(message)) for message in messages)
