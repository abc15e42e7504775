"""What a template makes of a value: pongo2's conversions, which follow Go's types and not Python's.

Values are None, bool, int, float, str, list, dict, datetime, Struct and callables. JSON numbers are floats, as Go
decodes them, so that `{{ Event.Payload.count }}` of 3 reads `3.000000` and equals no integer: `|integer` makes it one.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

_DECIMAL = re.compile(r"[+-]?([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+(_[0-9]+)*)?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SPECIAL = re.compile(r"[+-]?(inf|infinity)|nan", re.IGNORECASE)
_LOWEST_INT = -(1 << 63)
_INTEGERS = 1 << 64


@dataclass(frozen=True, slots=True)
class Struct:
    """A Go struct: named fields, always true, and nothing when a field is missing."""

    kind: str
    fields: Mapping[str, object]

    def __str__(self) -> str:
        return f"<{self.kind} Value>"


class SafeText(str):
    """Text that needs no escaping any more: what a macro wrote."""

    __slots__ = ()


class StringList(list[object]):
    """A Go list of strings, as `split` makes one: the only kind of list that pongo2 can sort."""

    __slots__ = ()


TYPE_NAMES: dict[type, str] = {list: "[]interface {}", StringList: "[]string", dict: "map[string]interface {}"}


def from_json(value: object) -> object:
    """The value of a decoded JSON document, with numbers as Go has them: floats, whatever they look like."""
    if isinstance(value, bool) or not isinstance(value, int | list | dict):
        return value
    if isinstance(value, int):
        return _as_float(value)
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return {key: from_json(item) for key, item in value.items()}


def to_text(value: object) -> str:
    """The value as it is written into the output."""
    if isinstance(value, str):
        return value
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    return str(value)


def format_float(value: float, decimals: int) -> str:
    """A float in plain notation, as Go's `%.Nf` writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.{decimals}f}"


def format_time(moment: datetime) -> str:
    """A time as Go writes it when it is not told how: `2024-03-01 10:00:00.5 +0000 UTC`."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    offset = moment.strftime("%z") or "+0000"
    name = "UTC" if not moment.utcoffset() else offset
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {offset} {name}"


def to_integer(value: object) -> int:
    """The value as an integer; 0 when it is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return truncate(value)
    if isinstance(value, str):
        return truncate(to_float(value))
    return 0


def to_float(value: object) -> float:
    """The value as a float; 0 when it is none."""
    if isinstance(value, bool):
        return 0.0
    if isinstance(value, int):
        return _as_float(value)
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return _parsed(value)
    return 0.0


def truncate(value: float) -> int:
    """The integer part; what does not fit into 64 bits becomes the lowest integer, as on the server's machines."""
    if math.isnan(value) or math.isinf(value):
        return _LOWEST_INT
    whole = int(value)
    return whole if _LOWEST_INT <= whole < -_LOWEST_INT else _LOWEST_INT


def wrap_int64(value: int) -> int:
    """An integer kept within 64 bits, wrapping around as Go's does."""
    return (value - _LOWEST_INT) % _INTEGERS + _LOWEST_INT


def is_float(value: object) -> bool:
    """Whether the value is a float, as every JSON number is."""
    return isinstance(value, float)


def is_integer(value: object) -> bool:
    """Whether the value is an integer; a boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_truthy(value: object) -> bool:
    """Whether the value counts as true: not zero, not empty, not missing."""
    if isinstance(value, datetime | Struct):
        return True
    if value is None or callable(value):
        return False
    return bool(value)


def negate(value: object) -> object:
    """What `not` makes of the value: numbers stay numbers."""
    if is_integer(value):
        return 0 if value else 1
    if isinstance(value, float):
        return 0.0 if value else 1.1
    return not is_truthy(value)


def length(value: object) -> int:
    """Characters, items or keys; 0 for what has none."""
    return len(value) if isinstance(value, str | list | dict) else 0


def can_slice(value: object) -> bool:
    """Whether the value is text or a list."""
    return isinstance(value, str | list)


def item_at(value: object, position: int) -> object:
    """The item or character at a position from 0; missing beyond the end; an error before the start."""
    if not isinstance(value, str | list):
        return []
    if position < 0:
        raise TemplateRuntimeError(f"the position {position} is before the start")
    if position < len(value):
        return value[position]
    return "" if isinstance(value, str) else None


def slice_of(value: str | list[object], start: int, end: int) -> object:
    """The items from `start` up to and without `end`, both within the value."""
    taken = value[start:end]
    return StringList(taken) if isinstance(value, StringList) and isinstance(taken, list) else taken


def are_equal(one: object, other: object) -> bool:
    """Whether two values are the same, in type as well: 1 is not 1.0, and no float of JSON equals an integer."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other
    if isinstance(one, str) and isinstance(other, str):
        return str(one) == str(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | dict):
        raise TemplateRuntimeError("two lists or two maps can't be compared")
    return one == other


def contains(value: object, wanted: object) -> bool:
    """What `in` says: part of a text, item of a list, key of a map, field of a struct."""
    if isinstance(value, Struct):
        return to_text(wanted) in value.fields
    if isinstance(value, dict):
        if is_integer(wanted):
            raise TemplateRuntimeError("the keys of a map are strings, not integers")
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, str):
        return to_text(wanted) in value
    if isinstance(value, list):
        return any(are_equal(wanted, candidate) for candidate in value)
    return False


def get_field(value: object, name: str, whole: str) -> object:
    """The field or key `name` of a value; missing ones are None, and None has none."""
    if value is None:
        return None
    if isinstance(value, Struct):
        return value.fields.get(name)
    if isinstance(value, dict):
        return value.get(name)
    raise TemplateRuntimeError(f"'{whole}': {describe(value)} has no fields")


def get_element(value: object, position: int, whole: str) -> object:
    """The item at a position, written with a dot; None beyond the end."""
    if value is None:
        return None
    if isinstance(value, str):
        return _byte(value, position)
    if isinstance(value, list):
        return value[position] if position < len(value) else None
    raise TemplateRuntimeError(f"'{whole}': {describe(value)} has no items")


def describe(value: object) -> str:
    """What kind of value it is, for messages."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a text"),
        (list, "a list"),
        (dict, "a map"),
        (datetime, "a time"),
    ]
    return next((name for kind, name in names if isinstance(value, kind)), "a missing value" if value is None else "it")


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _parsed(value: str) -> float:
    if _DECIMAL.fullmatch(value) or _SPECIAL.fullmatch(value):
        parsed = float(value)
    elif _HEXADECIMAL.fullmatch(value):
        try:
            parsed = float.fromhex(value)
        except OverflowError:
            return 0.0
    else:
        return 0.0
    out_of_range = math.isinf(parsed) and not _SPECIAL.fullmatch(value)
    return 0.0 if out_of_range else parsed


def _byte(value: str, position: int) -> int | None:
    encoded = value.encode()
    return encoded[position] if position < len(encoded) else None


def timestamps(one: object, other: object) -> tuple[float, float] | None:
    """Both values as seconds, when both are times."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one.timestamp(), other.timestamp()
    return None


_WRITERS: dict[type, Callable[..., str]] = {
    type(None): lambda _: "",
    bool: str,
    int: str,
    float: lambda value: format_float(value, 6),
    datetime: format_time,
    **{kind: lambda _, name=name: f"<{name} Value>" for kind, name in TYPE_NAMES.items()},
}
