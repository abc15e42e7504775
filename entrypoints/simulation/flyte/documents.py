"""Loads JSON and YAML documents that people write, and reports errors with file, line and column."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from marshmallow import ValidationError

from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, format_path

SIZE_LIMIT = 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document. `source` names it in messages; without `node`, positions are unknown."""

    source: str
    data: object
    node: yaml.Node | None = None

    def load(self, schema: DocumentSchema, value: object, path: KeyPath = ()) -> object:
        """Loads the value at a path with a schema. Raises InvalidDocument for the first error in the document."""
        try:
            loaded: object = schema.load(value)  # type: ignore[arg-type] # the schema reports values that are no mappings
        except ValidationError as error:
            errors = [((*path, *inner), message) for inner, message in _flatten(error.messages)]
            place, message = min(errors, key=lambda found: self._offset(found[0]))
            raise self.error(place, message, schema.describe(place, value)) from None
        return loaded

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
        node, mark = self.node, self.node.start_mark if self.node else None
        for key in path:
            found = next(((start, child) for name, start, child in _children(node) if name == str(key)), None)
            if found is None:
                break
            mark, node = found
        return mark


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
        data = json.loads(text) if is_json else _Loader(text).get_single_data()
        return Document(source, data, _compose(text))
    except yaml.MarkedYAMLError as error:
        raise InvalidDocument(str(error.problem or error.context), source, error.problem_mark) from error
    except RecursionError as error:
        raise InvalidDocument("nested too deep", source) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidDocument(str(error), source) from error


class _Loader(yaml.SafeLoader):
    """YAML restricted to JSON's types, without timestamps and duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        duplicate = next((key for key in keys if keys.count(key) > 1), None)
        if duplicate is not None:
            raise yaml.constructor.ConstructorError(None, None, f"duplicate key '{duplicate}'", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _compose(text: str) -> yaml.Node | None:
    """Returns the nodes with the positions of all values; None for JSON that is not YAML."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    return node


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    """Yields each key or index of a node, where it starts, and its value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key.start_mark, child) for key, child in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(index), child.start_mark, child) for index, child in enumerate(node.value))


def _flatten(messages: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yields the path and text of each message of a ValidationError."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flatten(inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        yield from ((path, str(message)) for message in messages)
