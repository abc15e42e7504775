"""Prints values by Go's verbs and flags, for the filter `stringformat`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from entrypoints.simulation.pongo2.go_verbs import (
    Flags,
    format_float,
    format_integer,
    format_string,
    pad,
)
from entrypoints.simulation.pongo2.methods import find_method
from entrypoints.simulation.pongo2.values import Int64, Struct, nanosecond, to_text, type_name

_VERBS_OF_TEXT: Final = "vsxXq"
_YEAR_ONE: Final = datetime(1, 1, 1, tzinfo=UTC)


def format_value(value: object, verb: str, flags: Flags) -> str:
    """Formats a value by a verb."""
    if value is None and verb in "vT":
        return pad("<nil>", flags)
    if verb == "T":
        return format_string(type_name(value), "s", flags) or ""
    if verb == "v":
        flags = replace(flags, go_syntax=flags.sharp, sharp=False, with_names=flags.plus, plus=False)
    if value is None or (verb == "p" and isinstance(value, Struct | datetime)):
        return _bad(value, verb, flags)
    return _Printer(verb, flags).print(value)


def format_extra(value: object) -> str:
    """Returns Go's message about a value that no verb used."""
    return f"%!(EXTRA {_with_type(value, _Printer('v', Flags()))})"


def _bad(value: object, verb: str, flags: Flags) -> str:
    return f"%!{verb}({_with_type(value, _Printer('v', flags, uses_methods=False))})"


def _with_type(value: object, printer: "_Printer") -> str:
    return "<nil>" if value is None else f"{type_name(value)}={printer.print(value)}"


class _Printer:
    """Prints values other than nil by one verb; in messages about bad verbs without their methods."""

    def __init__(self, verb: str, flags: Flags, *, uses_methods: bool = True) -> None:
        self._verb = verb
        self._flags = flags
        self._uses_methods = uses_methods

    def print(self, value: object) -> str:
        if self._uses_methods and (shown := self._by_method(value)) is not None:
            return shown
        match value:
            case bool():
                body = pad(str(value).lower(), self._flags) if self._verb in "tv" else None
            case int():
                body = format_integer(value, self._verb, self._flags)
            case float():
                body = format_float(value, self._verb, self._flags)
            case str():
                body = format_string(value, self._verb, self._flags)
            case list() | dict() | datetime() | Struct():
                body = self._composite(value)
            case _:
                body = pad(to_text(value), self._flags)
        return _bad(value, self._verb, self._flags) if body is None else body

    def _by_method(self, value: object) -> str | None:
        if self._flags.go_syntax:
            return format_string(_time_in_go(value), "s", self._flags) if isinstance(value, datetime) else None
        method = find_method(value, "String") if self._verb in _VERBS_OF_TEXT else None
        return None if method is None else format_string(str(method.call(value)), self._verb, self._flags)

    def _composite(self, value: list[object] | dict[str, object] | datetime | Struct) -> str:
        match value:
            case list():
                return self._enclosed(value, map(self._element, value), "[]")
            case dict():
                pairs = (f"{self.print(key)}:{self._element(value[key])}" for key in sorted(value))
                return self._enclosed(value, pairs, "map[]")
            case Struct():
                prefix = "&" if value.is_pointer else ""
                return prefix + self._enclosed(value, map(self._field, value.fields, value.fields.values()), "{}")
        seconds = Int64((value.astimezone(UTC) - _YEAR_ONE).total_seconds() // 1)
        return self._enclosed(value, map(self.print, (Int64(nanosecond(value)), seconds, Int64(0))), "{}")

    def _enclosed(self, value: object, items: Iterable[str], brackets: str) -> str:
        if self._flags.go_syntax:
            return f"{type_name(value).lstrip('*')}{{{', '.join(items)}}}"
        return f"{brackets[:-1]}{' '.join(items)}{brackets[-1]}"

    def _element(self, item: object) -> str:
        if item is None:
            return "interface {}(nil)" if self._flags.go_syntax else "<nil>"
        return self.print(item)

    def _field(self, name: str, item: object) -> str:
        shown = "<nil>" if item is None else self.print(item)
        return f"{name}:{shown}" if self._flags.go_syntax or self._flags.with_names else shown


def _time_in_go(time: datetime) -> str:
    fields = (time.year, f"time.{time:%B}", time.day, time.hour, time.minute, time.second, nanosecond(time))
    zone = 'time.Location("")' if time.utcoffset() else "time.UTC"
    return f"time.Date({', '.join(map(str, fields))}, {zone})"
