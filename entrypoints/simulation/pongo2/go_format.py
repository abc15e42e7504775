"""Formats one value as Go's fmt.Sprintf does, for the filter `stringformat`."""

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import NoneType

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import check_size
from entrypoints.simulation.pongo2.values import TYPE_NAMES, format_float, format_time, is_integer, to_text

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>[0-9]*)(?P<precision>\.[0-9]*)?(?P<verb>[^*\[]?)", re.DOTALL)
_EXPONENT_FROM = 6
_EXPONENT_BELOW = -4
_TYPE_NAMES: dict[type, str] = TYPE_NAMES | {
    NoneType: "<nil>",
    bool: "bool",
    str: "string",
    int: "int",
    float: "float64",
    datetime: "time.Time",
}


@dataclass(frozen=True, slots=True)
class _Spec:
    """One verb with its flags, width and precision."""

    verb: str = "v"
    flags: str = ""
    width: int = 0
    precision: int | None = None


def sprintf(layout: str, value: object) -> str:
    """Formats the value by the first verb of a layout.

    Raises TemplateRuntimeError for `*` or an index in a verb, which are not supported, and for too large a width.
    """
    output: list[str] = []
    position = 0
    is_used = False
    for found in _VERB.finditer(layout):
        output.append(layout[position : found.start()])
        position = found.end()
        verb = found["verb"]
        if verb == "%":
            output.append("%")
        elif not verb:
            output.append(_missing_verb(layout, position))
        elif is_used:
            output.append(f"%!{verb}(MISSING)")
        else:
            is_used = True
            output.append(_format_verb(found, value))
    extra = "" if is_used else f"%!(EXTRA {_with_type(value, _Spec())})"
    return "".join(output) + layout[position:] + extra


def _missing_verb(layout: str, position: int) -> str:
    if position < len(layout):
        raise TemplateRuntimeError(f"'{layout[position]}' in a format is not supported")
    return "%!(NOVERB)"


def _format_verb(found: re.Match[str], value: object) -> str:
    if found["verb"] == "T":
        return _type_name(value)
    precision = None if found["precision"] is None else check_size(int(found["precision"][1:] or 0))
    # Before v, a plus asks for field names and not for a sign.
    flags = found["flags"].replace("+", "") if found["verb"] == "v" else found["flags"]
    return _format(value, _Spec(found["verb"], flags, check_size(int(found["width"] or 0)), precision))


def _format(value: object, spec: _Spec) -> str:
    if isinstance(value, list):
        return f"[{' '.join('<nil>' if item is None else _format(item, spec) for item in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{_format(key, spec)}:{_format(value[key], spec)}' for key in sorted(value))}]"
    body = _format_scalar(value, spec)
    if body is None:
        return f"%!{spec.verb}({_with_type(value, replace(spec, verb='v'))})"
    return _pad(body, spec, is_number=isinstance(value, float) or is_integer(value))


def _pad(body: str, spec: _Spec, *, is_number: bool) -> str:
    if "-" in spec.flags:
        return body.ljust(spec.width)
    if "0" in spec.flags:
        sign = body[:1] if is_number and body[:1] in ("+", "-") else ""
        return sign + body[len(sign) :].rjust(spec.width - len(sign), "0")
    return body.rjust(spec.width)


def _format_scalar(value: object, spec: _Spec) -> str | None:
    """Formats a value without its width; None if the verb does not apply to its type."""
    match value:
        case None:
            body = "<nil>" if spec.verb == "v" else None
        case bool():
            body = str(value).lower() if spec.verb in "tv" else None
        case str():
            body = _format_string(value, spec)
        case int():
            body = _add_sign(_format_integer(value, spec.verb), spec)
        case float():
            body = _add_sign(_format_float(value, spec), spec)
        case datetime():
            body = format_time(value) if spec.verb in "vs" else None
        case _:
            body = to_text(value)
    return body


def _format_string(value: str, spec: _Spec) -> str | None:
    shown = value if spec.precision is None else value[: spec.precision]
    match spec.verb:
        case "s" | "v":
            return shown
        case "q":
            return json.dumps(shown, ensure_ascii=False)
        case "x":
            return shown.encode().hex()
        case "X":
            return shown.encode().hex().upper()
    return None


def _format_integer(value: int, verb: str) -> str | None:
    if verb in "dv":
        return str(value)
    if verb in "boxX":
        return f"{value:{verb}}"
    if verb == "c":
        return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"  # noqa: PLR2004 (Unicode's bounds)
    return f"U+{value:04X}" if verb == "U" else None


def _format_float(value: float, spec: _Spec) -> str | None:
    if not math.isfinite(value):
        return format_float(value, 0)
    decimals = 6 if spec.precision is None else spec.precision
    if spec.verb in "fF":
        return format_float(value, decimals)
    if spec.verb in "eE":
        return f"{value:.{decimals}{spec.verb}}"
    if spec.verb in "gGv":
        body = _shortest(value) if spec.precision is None else f"{value:.{spec.precision}g}"
        return body.upper() if spec.verb == "G" else body
    if spec.verb in "xXb":
        raise TemplateRuntimeError(f"'%{spec.verb}' of a float is not supported; '|integer' makes an integer")
    return None


def _shortest(value: float) -> str:
    exact = Decimal(repr(value))
    exponent = exact.adjusted() if value else 0
    if _EXPONENT_BELOW <= exponent < _EXPONENT_FROM:
        return f"{exact:f}".removesuffix(".0")
    mantissa = f"{exact.normalize().scaleb(-exponent):f}"
    return f"{mantissa}e{exponent:+03d}"


def _add_sign(body: str | None, spec: _Spec) -> str | None:
    if body is None or body[:1] in ("-", "+"):
        return body
    if "+" in spec.flags:
        return f"+{body}"
    return f" {body}" if " " in spec.flags else body


def _with_type(value: object, spec: _Spec) -> str:
    return "<nil>" if value is None else f"{_type_name(value)}={_format(value, spec)}"


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "struct")
