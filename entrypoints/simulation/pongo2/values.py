"""Template values and pongo2's conversions between them, which follow Go's types rather than Python's.

Values are None, bool, int, float, str, list, dict, datetime, Struct, functions, and subclasses of them where Go has
types of its own. JSON numbers are floats, as Go decodes them: `{{ Event.Payload.count }}` of 3 renders as `3.000000`
and equals no integer until `|integer`.
"""

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Final, Self, TypeGuard

from entrypoints.simulation.pongo2.errors import ReportedError, TemplateRuntimeError

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SPECIAL: Final = re.compile(r"[+-]?(inf|infinity)|nan", re.IGNORECASE)
_MISPLACED_UNDERSCORE: Final = re.compile(r"(?<![0-9])_|_(?![0-9])")
_MISPLACED_HEXADECIMAL_UNDERSCORE: Final = re.compile(r"(?<!^0[xX])(?<!^[+-]0[xX])(?<![0-9a-fA-F])_|_(?![0-9a-fA-F])")
_LOWEST_INT: Final = -(1 << 63)
_INTEGERS: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Struct:
    """A Go struct: named fields, always true; a missing field is None."""

    kind: str
    fields: Mapping[str, object]
    is_pointer: bool = False

    def __str__(self) -> str:
        return f"<{self.kind} Value>"


class SafeText(str):
    """The output of a macro, which needs no escaping."""

    __slots__ = ()


class StringList(list[object]):
    """A Go list of strings, as `split` returns it: the only kind of list that pongo2 can sort."""

    __slots__ = ()


class StringMap(dict[str, object]):
    """A Go map of strings, as the labels of a pack are."""

    __slots__ = ()


class MetaContext(dict[str, object]):
    """The value of `pongo2` in templates."""

    __slots__ = ()


class Byte(int):
    """A byte of a string."""

    __slots__ = ()


class Int64(int):
    """An integer of Go's type int64."""

    __slots__ = ()


class Month(int):
    """A month, from 1."""

    __slots__ = ()


class Weekday(int):
    """A day of the week; Sunday is 0."""

    __slots__ = ()


class Duration(int):
    """A duration in nanoseconds."""

    __slots__ = ()


class PreciseTime(datetime):
    """A time to the nanosecond."""

    nanosecond: int | None = None
    """The nanosecond within the second; None for a time that was calculated from another one."""

    @classmethod
    def create(cls, time: datetime, nanosecond: int) -> Self:
        """Returns a time with this fraction of its second."""
        precise = cls.combine(time.date(), time.timetz().replace(microsecond=nanosecond // 1000))
        precise.nanosecond = nanosecond
        return precise


TYPE_NAMES: Final[Mapping[type, str]] = {
    NoneType: "<nil>",
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    list: "[]interface {}",
    dict: "map[string]interface {}",
    datetime: "time.Time",
    PreciseTime: "time.Time",
    StringList: "[]string",
    StringMap: "map[string]string",
    MetaContext: "pongo2.Context",
    Byte: "uint8",
    Int64: "int64",
    Month: "time.Month",
    Weekday: "time.Weekday",
    Duration: "time.Duration",
}
_KINDS: Final[Mapping[type, str]] = {
    NoneType: "invalid",
    bool: "bool",
    Byte: "uint8",
    Int64: "int64",
    Duration: "int64",
    int: "int",
    float: "float64",
    str: "string",
    list: "slice",
    dict: "map",
    datetime: "struct",
    Struct: "struct",
}
_DESCRIPTIONS: dict[type, str] = {
    NoneType: "a missing value",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a map",
    datetime: "a time",
}


def to_text(value: object) -> str:
    """Converts to a string, as in the output."""
    match value:
        case str():
            return value
        case None:
            return ""
        case float():
            return format_float(value, 6)
        case datetime():
            return format_time(value)
        case list() | dict():
            return f"<{type_name(value)} Value>"
    return str(value)


def type_name(value: object) -> str:
    """Returns the name of the value's type in Go."""
    if isinstance(value, Struct):
        return f"{'*' * value.is_pointer}{value.kind}"
    return _lookup(TYPE_NAMES, value)


def kind_name(value: object) -> str:
    """Returns the name of the value's kind in Go."""
    return _lookup(_KINDS, value)


def nanosecond(time: datetime) -> int:
    """Returns the fraction of a time's second in nanoseconds."""
    known = time.nanosecond if isinstance(time, PreciseTime) else None
    return time.microsecond * 1000 if known is None else known


def escape_html(text: str) -> str:
    """Replaces & < > and both quotes by entities."""
    return html.escape(text).replace("&#x27;", "&#39;")


def format_float(value: float, decimals: int) -> str:
    """Formats a float in plain notation, as Go's `%.Nf` does."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.{decimals}f}"


def format_time(time: datetime) -> str:
    """Formats a time in Go's default layout: `2024-03-01 10:00:00.5 +0000 UTC`."""
    fraction = f".{nanosecond(time):09d}".rstrip("0").rstrip(".")
    return f"{time:%Y-%m-%d %H:%M:%S}{fraction} {time.strftime('%z') or '+0000'} {zone_name(time)}"


def zone_name(time: datetime) -> str:
    """Returns `UTC`, or the offset of any other zone."""
    return time.strftime("%z") if time.utcoffset() else "UTC"


def to_integer(value: object) -> int:
    """Converts to an integer; 0 if the value is not a number."""
    return value if is_integer(value) else truncate(to_float(value))


def to_float(value: object) -> float:
    """Converts to a float; 0 if the value is not a number."""
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return _parse_float(value)
    if not is_integer(value):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def truncate(value: float) -> int:
    """Returns the integer part. Values beyond 64 bits become the lowest integer, as on the server's machines."""
    if not math.isfinite(value):
        return _LOWEST_INT
    whole = int(value)
    return whole if _LOWEST_INT <= whole < -_LOWEST_INT else _LOWEST_INT


def wrap_int64(value: int) -> int:
    """Wraps an integer around at 64 bits, as Go does."""
    return (value - _LOWEST_INT) % _INTEGERS + _LOWEST_INT


def is_integer(value: object) -> TypeGuard[int]:
    """Whether the value is an integer and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_truthy(value: object) -> bool:
    """Whether the value counts as true: not zero, empty or missing."""
    return isinstance(value, datetime | Struct) or bool(value)


def length(value: object) -> int:
    """Returns the number of characters, items or keys; 0 for other values."""
    return len(value) if isinstance(value, str | list | dict) else 0


def item_at(value: str | list[object], position: int) -> object:
    """Returns the item or character at a position from 0; None or an empty string beyond the end.

    Raises TemplateRuntimeError for a negative position.
    """
    if position < 0:
        raise TemplateRuntimeError(f"the position {position} is before the start")
    if position < len(value):
        return value[position]
    return "" if isinstance(value, str) else None


def check_slice(argument: object) -> None:
    """Raises TemplateRuntimeError if the argument of `slice` is not `from:to`."""
    if to_text(argument).count(":") != 1:
        raise ReportedError(
            "expected 'from:to'; either may be left out, but not the ':'",
            wording="Slice string must have the format 'from:to' [from/to can be omitted, but the ':' is required]",
        )


def get_field(value: object, name: str, path: str) -> object:
    """Returns the field or key `name`, or None. Raises TemplateRuntimeError, naming `path`, if there are no fields."""
    if isinstance(value, Struct):
        return value.fields.get(name)
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, datetime):
        return None
    wording = f"Can't access a field by name on type {kind_name(value)} (variable {path})"
    raise ReportedError(f"'{path}': {describe(value)} has no fields", wording=wording)


def get_element(value: object, position: int, path: str) -> object:
    """Returns the item of a list or byte of a string, or None. Raises TemplateRuntimeError for other values."""
    if not isinstance(value, str | list):
        wording = f"Can't access an index on type {kind_name(value)} (variable {path})"
        raise ReportedError(f"'{path}': {describe(value)} has no items", wording=wording)
    items = [Byte(byte) for byte in value.encode()] if isinstance(value, str) else value
    return items[position] if position < len(items) else None


def describe(value: object) -> str:
    """Describes the type of a value in error messages."""
    return next((_DESCRIPTIONS[kind] for kind in type(value).__mro__ if kind in _DESCRIPTIONS), "a struct")


def _parse_float(text: str) -> float:
    if _SPECIAL.fullmatch(text):
        return float(text)
    digits = text.replace("_", "")
    if _DECIMAL.fullmatch(digits) and not _MISPLACED_UNDERSCORE.search(text):
        parsed = float(digits)
    elif _HEXADECIMAL.fullmatch(digits) and not _MISPLACED_HEXADECIMAL_UNDERSCORE.search(text):
        try:
            parsed = float.fromhex(digits)
        except OverflowError:
            return 0.0
    else:
        return 0.0
    return parsed if math.isfinite(parsed) else 0.0


def _lookup(names: Mapping[type, str], value: object) -> str:
    return next((names[kind] for kind in type(value).__mro__ if kind in names), "func")
