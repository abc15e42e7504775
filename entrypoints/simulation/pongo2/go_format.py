"""Formats one value as Go's fmt.Sprintf does, for the filter `stringformat`."""

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import check_size
from entrypoints.simulation.pongo2.values import TYPE_NAMES, format_float, format_time, to_text

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>[0-9]*)(?P<precision>\.[0-9]*)?(?P<verb>[^*\[]?)", re.DOTALL)
_EXPONENT_FROM = 6
_EXPONENT_BELOW = -4
_TYPE_NAMES: dict[type, str] = {bool: "bool", str: "string", int: "int", float: "float64", datetime: "time.Time"}


@dataclass(frozen=True, slots=True)
class _Spec:
    """How to write a value: what stands between the % and the verb, and the verb."""

    verb: str
    flags: str
    width: int
    precision: int | None


def sprintf(layout: str, value: object) -> str:
    """The layout with its first verb filled by the value.

    Raises TemplateRuntimeError for `*` or an index in a verb, which are not supported, and for too large a width.
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
    extra = "" if is_used else f"%!(EXTRA {_typed(value, _Spec('v', '', 0, None))})"
    return "".join(written) + layout[position:] + extra


def _no_verb(layout: str, position: int) -> str:
    if position < len(layout):
        raise TemplateRuntimeError(f"'{layout[position]}' in a format is not supported")
    return "%!(NOVERB)"


def _filled(found: re.Match[str], value: object) -> str:
    if found["verb"] == "T":
        return _type_name(value)
    precision = None if found["precision"] is None else check_size(int(found["precision"][1:] or 0))
    # Before v, a plus asks for field names and not for a sign.
    flags = found["flags"].replace("+", "") if found["verb"] == "v" else found["flags"]
    return _written(value, _Spec(found["verb"], flags, check_size(int(found["width"] or 0)), precision))


def _written(value: object, spec: _Spec) -> str:
    if isinstance(value, list):
        return f"[{' '.join('<nil>' if item is None else _written(item, spec) for item in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{_written(key, spec)}:{_written(value[key], spec)}' for key in sorted(value))}]"
    body = _body(value, spec)
    if body is None:
        return f"%!{spec.verb}({_typed(value, replace(spec, verb='v'))})"
    return _padded(body, spec, is_number=isinstance(value, int | float) and not isinstance(value, bool))


def _padded(body: str, spec: _Spec, *, is_number: bool) -> str:
    if "-" in spec.flags:
        return body.ljust(spec.width)
    if "0" in spec.flags:
        sign = body[:1] if is_number and body[:1] in ("+", "-") else ""
        return sign + body[len(sign) :].rjust(spec.width - len(sign), "0")
    return body.rjust(spec.width)


def _body(value: object, spec: _Spec) -> str | None:
    """The value by a verb, without its width; None when the verb is not for values of this type."""
    match value:
        case None:
            body = "<nil>" if spec.verb == "v" else None
        case bool():
            body = ("true" if value else "false") if spec.verb in "tv" else None
        case str():
            body = _string(value, spec)
        case int():
            body = _signed(_whole(value, spec.verb), spec)
        case float():
            body = _signed(_real(value, spec), spec)
        case datetime():
            body = format_time(value) if spec.verb in "vs" else None
        case _:
            body = to_text(value)
    return body


def _string(value: str, spec: _Spec) -> str | None:
    shown = value if spec.precision is None else value[: spec.precision]
    if spec.verb in "sv":
        return shown
    if spec.verb == "q":
        return json.dumps(shown, ensure_ascii=False)
    if spec.verb in "xX":
        return f"{shown.encode().hex()}" if spec.verb == "x" else shown.encode().hex().upper()
    return None


def _whole(value: int, verb: str) -> str | None:
    if verb in "dv":
        return str(value)
    if verb in "boxX":
        return f"{value:{verb}}"
    if verb == "c":
        return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"  # noqa: PLR2004 (Unicode's bounds)
    return f"U+{value:04X}" if verb == "U" else None


def _real(value: float, spec: _Spec) -> str | None:
    if math.isinf(value) or math.isnan(value):
        return format_float(value, 0)
    precision = spec.precision
    if spec.verb in "fF":
        return format_float(value, 6 if precision is None else precision)
    if spec.verb in "eE":
        return f"{value:.{6 if precision is None else precision}{spec.verb}}"
    if spec.verb in "gGv":
        written = _shortest(value) if precision is None else f"{value:.{precision}g}"
        return written.upper() if spec.verb == "G" else written
    if spec.verb in "xXb":
        raise TemplateRuntimeError(
            f"'%{spec.verb}' of a number with decimals is not supported; '|integer' makes one without"
        )
    return None


def _shortest(value: float) -> str:
    exact = Decimal(repr(value))
    exponent = exact.adjusted() if value else 0
    if _EXPONENT_BELOW <= exponent < _EXPONENT_FROM:
        return f"{exact:f}".removesuffix(".0")
    sign, digits, _ = exact.normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{point}e{exponent:+03d}"


def _signed(body: str | None, spec: _Spec) -> str | None:
    if body is None or body[:1] in ("-", "+"):
        return body
    if "+" in spec.flags:
        return f"+{body}"
    return f" {body}" if " " in spec.flags else body


def _typed(value: object, spec: _Spec) -> str:
    return "<nil>" if value is None else f"{_type_name(value)}={_written(value, spec)}"


def _type_name(value: object) -> str:
    if value is None:
        return "<nil>"
    return (_TYPE_NAMES | TYPE_NAMES).get(type(value), "struct")
