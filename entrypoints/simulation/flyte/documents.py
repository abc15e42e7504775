"""Documents that people write, in JSON or YAML: read strictly, each mistake with the file, the line and the place."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.template import Template

SIZE_LIMIT = 1024 * 1024
_DEPTH_LIMIT = 60
_NODE_LIMIT = 20_000

_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_SECONDS = 366 * 86400.0

KeyPath = tuple[str | int, ...]


class InvalidDocument(Exception):
    """A document can't be used; the message names the file, the place and what is wrong there."""


def read_file(path: Path) -> tuple[str, bool]:
    """A file's text, and whether its name says that it is JSON. InvalidDocument when it can't be read."""
    try:
        return path.read_text(encoding="utf-8"), path.suffix.lower() == ".json"
    except OSError as error:
        raise InvalidDocument(f"{path}: can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"{path}: can't be read: it is not UTF-8 text (byte {error.start})") from error


def read_values(text: str, where: str, *, is_json: bool) -> tuple[object, yaml.Node | None]:
    """What a text says, and where in it. Raises InvalidDocument; `where` is what messages call the text."""
    if len(text) > SIZE_LIMIT:
        raise InvalidDocument(f"{where}: longer than {SIZE_LIMIT} characters")
    try:
        document = json.loads(text) if is_json else _Loader(text).get_single_data()
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        raise InvalidDocument(_yaml_message(where, error)) from error
    except RecursionError as error:
        raise InvalidDocument(f"{where}: nested too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidDocument(f"{where}: {error}") from error
    return document, node


def _composed(text: str) -> yaml.Node | None:
    """The lines that everything stands on; None for the JSON that YAML can't read."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    return node


class _Loader(yaml.SafeLoader):
    """YAML as far as JSON goes: no times, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{twice}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _yaml_message(where: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return f"{where}{place}: {error.problem or error.context}"


class Reader:
    """Checks decoded values, and turns strings into Templates; `node` tells on which line something stands."""

    def __init__(self, where: str, node: yaml.Node | None) -> None:
        self._where = where
        self._node = node
        self._nodes_left = _NODE_LIMIT

    def mapping(self, value: object, path: KeyPath, keys: set[str]) -> Mapping[str, object]:
        """The object at a place, with none but these keys."""
        if not isinstance(value, dict):
            raise self.refusal(path, "missing" if value is None else "an object expected")
        unknown = next((key for key in value if key not in keys), None)
        if unknown is not None:
            raise self.refusal((*path, str(unknown)), f"not a known key; known are {', '.join(sorted(keys))}")
        return value

    def text(self, values: Mapping[str, object], key: str, path: KeyPath, default: str | None = None) -> str:
        """The string that a key has; the default where it has none. Without a default it has to be there."""
        value = values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value):
            raise self.refusal((*path, key), "missing" if value in (None, "") else "a string expected")
        return value

    def names(self, value: object, path: KeyPath) -> tuple[str, ...]:
        """The list of step ids at a place; empty when nothing is there."""
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refusal(path, "a list of step ids expected")
        return tuple(value)

    def seconds(self, values: Mapping[str, object], key: str, path: KeyPath) -> float | None:
        """A span of time, in seconds; None where nothing stands."""
        value = values.get(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_SECONDS:
            return float(value)
        pieces = _PIECE.findall(value) if isinstance(value, str) and _is_span(value) else []
        total = sum(float(number) * _SECONDS[unit] for number, unit in pieces)
        if not pieces or total > _LONGEST_SECONDS:
            raise self.refusal((*path, key), "a span of time up to a year expected, such as 500ms, 10s, 1m30s or 2h")
        return total

    def templates(self, value: object, path: KeyPath) -> Mapping[str, Template]:
        """The object at a place, of which every value is a template; empty when nothing is there."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.refusal(path, "an object expected")
        for key, item in value.items():
            if not isinstance(key, str) or not isinstance(item, str):
                raise self.refusal((*path, str(key)), "a string expected; write numbers and booleans in quotes")
        return {key: self.template(item, (*path, key)) for key, item in value.items()}

    def tree(self, value: object, path: KeyPath) -> object:
        """Any value, with a Template for every string, at any depth."""
        self._nodes_left -= 1
        if len(path) > _DEPTH_LIMIT or self._nodes_left < 0:
            raise self.refusal(path, "too large or nested too deep")
        if isinstance(value, str):
            return self.template(value, path)
        if isinstance(value, list):
            return [self.tree(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise self.refusal(path, "all keys have to be strings; write them in quotes")
            return {key: self.tree(item, (*path, key)) for key, item in value.items()}
        if value is None or isinstance(value, bool | int | float):
            return value
        raise self.refusal(path, "not a value that JSON has")

    def template(self, source: str, path: KeyPath) -> Template:
        """The template that stands at a place."""
        try:
            return Template(source)
        except TemplateError as error:
            raise self.refusal(path, str(error)) from error

    def refusal(self, path: KeyPath, message: str) -> InvalidDocument:
        """The error for a place, to be raised."""
        return InvalidDocument(f"{self._where}{self._line(path)}: {self.named(path)}{message}")

    def _line(self, path: KeyPath) -> str:
        node = self._node
        for key in path:
            inner = next((child for name, child in children(node) if name == key), None)
            if inner is None:
                break
            node = inner
        return "" if node is None else f":{node.start_mark.line + 1}"

    def named(self, path: KeyPath) -> str:
        """How messages call a place, with a colon behind it."""
        return f"{dotted(path)}: " if path else ""


def children(node: yaml.Node | None) -> Iterator[tuple[str | int, yaml.Node]]:
    """The parts of a mapping by their keys, of a list by their numbers."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)


def dotted(path: KeyPath) -> str:
    """A place within a document as people write it: `command.input[0].text`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _is_span(text: str) -> bool:
    return bool(text) and not _PIECE.sub("", text)
