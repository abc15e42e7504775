"""Formats one value as Go's fmt.Sprintf does, for the filter `stringformat`."""

import json
import math
import re
from datetime import datetime
from decimal import Decimal

from entrypoints.simulation.templates.errors import TemplateFailedError
from entrypoints.simulation.templates.run import bounded
from entrypoints.simulation.templates.values import TYPE_NAMES, fixed, text, time_text

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>[0-9]*)(?P<precision>\.[0-9]*)?(?P<verb>[^*\[]?)", re.DOTALL)
_EXPONENT_FROM = 21
_SHORTEST_EXPONENT_FROM = -4


def formatted(layout: str, value: object) -> str:
    """The layout with its first verb filled by the value.

    Raises TemplateFailedError for `*` or an index in a verb, which are not supported; a width that is too large.
    """
    written: list[str] = []
    position = 0
    is_used = False
    for found in _VERB.finditer(layout):
        written.append(layout[position : found.start()])
        position = found.end()
        verb = found["verb"]
        if verb == "%":
            written.append("%")
        elif not verb:
            written.append(_no_verb(layout, position))
        elif is_used:
            written.append(f"%!{verb}(MISSING)")
        else:
            is_used = True
            written.append(_filled(found, value))
    extra = "" if is_used else f"%!(EXTRA {_typed(value)})"
    return "".join(written) + layout[position:] + extra


def _no_verb(layout: str, position: int) -> str:
    if position < len(layout):
        raise TemplateFailedError(f"'{layout[position]}' in a format is not supported")
    return "%!(NOVERB)"


def _filled(found: re.Match[str], value: object) -> str:
    flags, verb = found["flags"], found["verb"]
    width = bounded(int(found["width"] or 0))
    precision = None if found["precision"] is None else bounded(int(found["precision"][1:] or 0))
    body = _body(value, verb, flags, precision)
    if body is None:
        return f"%!{verb}({_typed(value)})"
    if "-" in flags:
        return body.ljust(width)
    if "0" in flags and isinstance(value, str | int | float):
        sign = body[:1] if body[:1] in ("+", "-") and not isinstance(value, str) else ""
        return sign + body[len(sign) :].rjust(width - len(sign), "0")
    return body.rjust(width)


def _body(value: object, verb: str, flags: str, precision: int | None) -> str | None:
    """The value by a verb, without its width; None when the verb is not for values of this type."""
    match value:
        case None:
            body = "<nil>" if verb == "v" else None
        case bool():
            body = ("true" if value else "false") if verb in "tv" else None
        case str():
            body = _string(value, verb, precision)
        case int():
            body = _signed(_whole(value, verb), flags)
        case float():
            body = _signed(_real(value, verb, precision), flags)
        case datetime():
            body = time_text(value) if verb in "vs" else None
        case list():
            body = f"[{' '.join(_inner(item, verb, flags, precision) for item in value)}]"
        case dict():
            pairs = (f"{key}:{_inner(value[key], verb, flags, precision)}" for key in sorted(value))
            body = f"map[{' '.join(pairs)}]"
        case _:
            body = text(value)
    return body


def _inner(value: object, verb: str, flags: str, precision: int | None) -> str:
    body = _body(value, verb, flags, precision)
    return f"%!{verb}({_typed(value)})" if body is None else body


def _string(value: str, verb: str, precision: int | None) -> str | None:
    shown = value if precision is None else value[:precision]
    if verb in "sv":
        return shown
    if verb == "q":
        return json.dumps(shown, ensure_ascii=False)
    if verb in "xX":
        written = shown.encode().hex()
        return written if verb == "x" else written.upper()
    return None


def _whole(value: int, verb: str) -> str | None:
    if verb in "dv":
        return str(value)
    if verb in "boxX":
        return f"{value:{verb}}"
    if verb == "c":
        return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"  # noqa: PLR2004
    return f"U+{value:04X}" if verb == "U" else None


def _real(value: float, verb: str, precision: int | None) -> str | None:
    if math.isinf(value) or math.isnan(value):
        return fixed(value, 0)
    if verb in "fF":
        return fixed(value, 6 if precision is None else precision)
    if verb in "eE":
        return f"{value:.{6 if precision is None else precision}{verb}}"
    if verb in "gGv":
        written = _shortest(value) if precision is None else f"{value:.{precision}g}"
        return written.upper() if verb == "G" else written
    return None


def _shortest(value: float) -> str:
    sign, digits, _ = Decimal(repr(value)).normalize().as_tuple()
    exponent = Decimal(repr(value)).adjusted() if value else 0
    if _SHORTEST_EXPONENT_FROM <= exponent < _EXPONENT_FROM:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    mantissa = "".join(map(str, digits))
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{point}e{exponent:+03d}"


def _signed(body: str | None, flags: str) -> str | None:
    if body is None or body[:1] in ("-", "+"):
        return body
    if "+" in flags:
        return f"+{body}"
    return f" {body}" if " " in flags else body


def _typed(value: object) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, datetime):
        return f"time.Time={time_text(value)}"
    names: dict[type, str] = {bool: "bool", str: "string", int: "int", float: "float64"} | TYPE_NAMES
    return f"{names.get(type(value), 'struct')}={_body(value, 'v', '', None)}"
