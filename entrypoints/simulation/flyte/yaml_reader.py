"""Reads YAML by the rules of the server's yaml.v2 2.2.2 and ghodss/yaml 1.0.0, and notes where everything stands.

Scalars differ from other readers: `12:30` and `1e3` are text, `y` is true, `08` is 8. The last of duplicate keys wins,
and of several documents only the first is read.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

NODE_LIMIT: Final = 400_000
"""The limit of nodes in a document, including those that its aliases repeat."""

_NULLS: Final = ("", "~", "null", "Null", "NULL")
_INFINITIES: Final = {"": math.inf, "+": math.inf, "-": -math.inf}
_CONSTANTS: Final[dict[str, object]] = {
    **dict.fromkeys(_NULLS),
    **{form: True for word in ("y", "yes", "true", "on") for form in (word, word.title(), word.upper())},
    **{form: False for word in ("n", "no", "false", "off") for form in (word, word.title(), word.upper())},
    **{f"{sign}.{word}": value for sign, value in _INFINITIES.items() for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER: Final = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-][0-9]+)?")
_FLOAT_AFTER_DOT: Final = re.compile(r"\.[0-9]+(?:[eE][+-]?[0-9]+)?")
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:[Tt]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)| \d\d?:\d\d?:\d\d?(?:\.\d+)?)?", re.ASCII
)
_INTEGERS: Final = range(-(1 << 63), 1 << 64)
_KEY_INTEGERS: Final = range(-(1 << 63), 1 << 63)
_PLAIN_BELOW: Final = 1e21
"""Larger numbers keep their exponent in JSON."""
_PREFIX: Final = "tag:yaml.org,2002:"
_KINDS_BY_TAG: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "timestamp": (str,),
}
_MERGE: Final = "<<"
_BYTE_ORDER_MARK: Final = "\ufeff"
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_STAND_IN: Final = "\ufdd0"
"""For a backslash before an apostrophe: an escape in the server's double-quoted text, and an error in libyaml's."""
_VERSION: Final = (1, 1)


class Scalar(NamedTuple):
    """Where a scalar stands in the text: from its first to behind its last character, quotes included."""

    start: int
    end: int
    style: str
    """`'`, `"`, `|` or `>`; empty for a plain one."""


class Place(NamedTuple):
    """Where a value stands: its own start or that of its key, and its scalar or the places of its children."""

    mark: yaml.Mark
    children: Mapping[str, "Place"] | None = None
    scalar: Scalar | None = None


@dataclass(slots=True)
class YamlDocument:
    """A document's value as JSON, where it stands if asked for, and what is written and not read."""

    data: object
    place: Place | None = None
    duplicates: list[tuple[str, yaml.Mark]] = field(default_factory=list)
    """The keys that are given twice, of which the last one counts."""
    second: yaml.Mark | None = None
    """Where a second document begins; None if there is none, or nothing in it."""


def read_yaml(text: str, *, with_places: bool = False) -> YamlDocument:
    """Reads the first document. Raises yaml.YAMLError, mostly with a mark, or RecursionError."""
    return _Reader(text, with_places=with_places).read()


_Children = Mapping[str, Place] | None
_Anchor = tuple[object, _Children, int]
"""A value, the places of its children, and how many nodes it has."""


class _Reader:
    """Reads the events of one document. An anchor is None until its value ends."""

    def __init__(self, text: str, *, with_places: bool) -> None:
        self._with_places = with_places
        self._first = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0  # libyaml does not count it
        self._text = text
        self._has_escapes = "\\'" in text or "\\/" in text
        readable = _ESCAPE.sub(_stand_in, text) if self._has_escapes else text
        self._read_event: Callable[[], Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(readable).get_event
        self._anchors: dict[str, _Anchor | None] = {}
        self._duplicates: list[tuple[str, yaml.Mark]] = []
        self._size = 0

    def read(self) -> YamlDocument:
        self._next_event()
        start = self._next_event()
        if isinstance(start, yaml.StreamEndEvent):
            return YamlDocument(None)
        if start.version not in {None, _VERSION}:
            raise _error("found incompatible YAML document", start.start_mark)
        event = self._next_event()
        data, children = self._value(event)
        place = Place(event.start_mark, children, self._scalar_of(event))
        self._next_event()  # fails if something else than the document's end follows
        return YamlDocument(data, place, self._duplicates, self._second())

    def _second(self) -> yaml.Mark | None:
        """Returns where a second document begins, whether it can be read or not."""
        try:
            start = self._read_event()
            content = None if isinstance(start, yaml.StreamEndEvent) else self._read_event()
        except yaml.YAMLError as error:
            return getattr(error, "problem_mark", None)
        is_empty = content is None or (isinstance(content, yaml.ScalarEvent) and not content.value)
        return None if is_empty else start.start_mark

    def _next_event(self) -> Any:
        event = self._read_event()
        if self._has_escapes and type(event) is yaml.ScalarEvent:
            self._read_escapes(event)
        return event

    def _read_escapes(self, event: Any) -> None:
        """Reads an apostrophe after a backslash as the server does, and refuses an escaped slash, unknown to it."""
        is_double_quoted = event.style == '"'
        event.value = event.value.replace(_STAND_IN, "" if is_double_quoted else "\\")
        scalar = self._scalar_of(event)
        if is_double_quoted and scalar and "/" in _ESCAPE.findall(self._text, scalar.start, scalar.end):
            raise _error("found unknown escape character", event.start_mark)

    def _value(self, event: Any, *, is_key: bool = False) -> tuple[object, _Children]:
        kind, before = type(event), self._size
        self._size += 1
        children: _Children = None
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if kind is not yaml.ScalarEvent and event.anchor:
            self._anchors[event.anchor] = None
        if kind is yaml.ScalarEvent:
            data = _scalar(event)
            if type(data) is float and not is_key and not math.isfinite(data):
                raise _error(f"unsupported value: {event.value} is no number in JSON", event.start_mark)
        elif kind is yaml.MappingStartEvent:
            data, children = self._mapping()
        else:
            data, children = self._sequence()
        if event.anchor:
            self._anchors[event.anchor] = (data, children, self._size - before)
        return data, children

    def _alias(self, event: Any) -> tuple[object, _Children]:
        if event.anchor not in self._anchors:
            raise _error(f"unknown anchor '{event.anchor}' referenced", event.start_mark)
        known = self._anchors[event.anchor]
        if known is None:
            raise _error(f"anchor '{event.anchor}' value contains itself", event.start_mark)
        data, children, size = known
        self._size += size
        if self._size > NODE_LIMIT:
            raise _error("too large or nested too deep: its aliases repeat too much", event.start_mark)
        return data, children

    def _sequence(self) -> tuple[object, _Children]:
        items: list[object] = []
        places: dict[str, Place] = {}
        while type(event := self._next_event()) is not yaml.SequenceEndEvent:
            item, children = self._value(event)
            if self._with_places:
                places[str(len(items))] = Place(event.start_mark, children, self._scalar_of(event))
            items.append(item)
        return items, places

    def _mapping(self) -> tuple[object, _Children]:
        data: dict[str, object] = {}
        places: dict[str, Place] = {}
        own_keys: set[str] = set()
        while type(event := self._next_event()) is not yaml.MappingEndEvent:
            mark = event.start_mark
            if _is_merge(event):
                self._merge(self._next_event(), data, places)
                continue
            value, _ = self._value(event, is_key=True)
            key = value if type(value) is str else _key(value, mark)
            if key in own_keys:
                self._duplicates.append((key, mark))
            own_keys.add(key)
            event = self._next_event()
            data[key], children = self._value(event)
            if self._with_places:
                places[key] = Place(mark, children, self._scalar_of(event))
        return data, places

    def _scalar_of(self, event: Any) -> Scalar | None:
        if type(event) is not yaml.ScalarEvent:
            return None
        scalar: Any = event
        return Scalar(self._first + scalar.start_mark.index, self._first + scalar.end_mark.index, scalar.style or "")

    def _merge(self, event: Any, data: dict[str, object], places: dict[str, Place]) -> None:
        merged, children = self._value(event)
        maps = merged if isinstance(merged, list) else [merged]
        if not all(isinstance(one, dict) for one in maps):
            raise _error("map merge requires map or sequence of maps as the value", event.start_mark)
        for one in reversed(maps):
            data.update(one)
            places.update({key: Place(event.start_mark) for key in one})
        places.update(children if isinstance(merged, dict) and children else {})


def _error(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _stand_in(escape: re.Match[str]) -> str:
    return f"{_STAND_IN}'" if escape[1] == "'" else escape[0]


def _is_merge(event: Any) -> bool:
    if type(event) is not yaml.ScalarEvent or event.value != _MERGE:
        return False
    return event.tag == f"{_PREFIX}merge" or (event.tag is None and bool(event.implicit[0]))


def _key(value: object, mark: yaml.Mark) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() if value in _KEY_INTEGERS:
            return str(value)
        case float():
            return _float_key(value)
        case list() | dict():
            raise _error("invalid map key: a list or a map", mark)
    raise _error(f"unsupported map key: {'null' if value is None else value}", mark)


def _float_key(value: float) -> str:
    if math.isfinite(value):
        return f"{value:.9g}"
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _scalar(event: Any) -> object:
    text: str = event.value
    if event.tag is None:
        return resolve(text) if event.implicit[0] else text
    tag = event.tag.removeprefix(_PREFIX)
    if event.tag == tag:
        return text
    if tag == "binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            raise _error("!!binary value contains invalid base64 data", event.start_mark) from None
    if tag not in _KINDS_BY_TAG:
        return text
    value = resolve(text)
    if tag == "timestamp":
        value = text if _TIMESTAMP.fullmatch(text) else None
    if not isinstance(value, _KINDS_BY_TAG[tag]) or (tag != "bool" and isinstance(value, bool)):
        raise _error(f"cannot decode `{text}` as a !!{tag}", event.start_mark)
    return value


def resolve(text: str) -> object:
    """Returns the value of a plain scalar."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    first = text[0]
    if first == ".":
        return float(text) if _FLOAT_AFTER_DOT.fullmatch(text) else text
    if first not in "+-0123456789":
        return text
    plain = text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        integer = _integer(plain)
        if integer in _INTEGERS and (integer in _KEY_INTEGERS or plain[0] != "+"):
            return integer
    if _FLOAT.fullmatch(plain) and math.isfinite(number := float(plain)):
        return int(number) if number.is_integer() and abs(number) < _PLAIN_BELOW else number
    return text


def _integer(plain: str) -> int:
    sign, digits = (plain[0], plain[1:]) if plain[0] in "+-" else ("", plain)
    is_octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
    number = int(digits[1:], 8) if is_octal else int(digits, 0)
    return -number if sign == "-" else number
