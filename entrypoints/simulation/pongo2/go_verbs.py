"""Formats numbers and strings by Go's verbs and flags; None where a verb does not apply to a type."""

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from entrypoints.simulation.pongo2 import values

_BASES: Final = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}
_HIGHEST_CHARACTER: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_DIGITS_OF_CHARACTER: Final = 4
_EXPONENT_FROM: Final = 6
_EXPONENT_BELOW: Final = -4
_ONE: Final = 1 << 60
_HIGHEST_PRECISION: Final = 15
_FLOAT_PARTS: Final = re.compile(r"([+-])([0-9a-fA-FxX.]*?)([pP].*|(?<![xX])[eE][+-].*)?")
_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    "\x7f": r"\x7f",
}


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags, width and precision of a verb; `go_syntax` is that of `%#v`, `with_names` that of `%+v`."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    go_syntax: bool = False
    with_names: bool = False


def pad(text: str, flags: Flags, *, zero: bool | None = None) -> str:
    """Pads to the width: with zeros by the flag, which `zero` replaces."""
    fill = "0" if (flags.zero if zero is None else zero) else " "
    width = flags.width or 0
    return text.ljust(width, fill) if flags.minus else text.rjust(width, fill)


def format_string(value: str, verb: str, flags: Flags) -> str | None:
    """Formats a string: `%s`, `%q`, `%x`."""
    if verb in {"x", "X"}:
        return _hexadecimal(value.encode(), verb, flags)
    shown = value[: flags.precision]
    if verb == "q" or (verb == "v" and flags.go_syntax):
        can_be_raw = (
            flags.sharp and "`" not in shown and all(c == "\t" or (c >= " " and c not in "\x7f\ufeff") for c in shown)
        )
        return pad(f"`{shown}`" if can_be_raw else _quote(shown, '"', flags), flags)
    return pad(shown, flags) if verb in {"s", "v"} else None


def format_integer(value: int, verb: str, flags: Flags) -> str | None:
    """Formats an integer: `%d`, `%x`, `%c`, `%q`, `%U` and so on."""
    if verb in {"c", "q"}:
        is_character = 0 <= value <= _HIGHEST_CHARACTER and value not in _SURROGATES
        character = chr(value) if is_character else "\ufffd"
        return pad(character if verb == "c" else _quote(character, "'", flags), flags)
    if verb == "U":
        return _unicode(value % (1 << 64), flags)
    if verb not in _BASES:
        return None
    if verb == "v" and flags.go_syntax and isinstance(value, values.Byte):
        verb, flags = "x", replace(flags, sharp=True)
    digits = format(abs(value), _BASES[verb])
    if flags.precision is not None:
        if flags.precision == 0 and value == 0:
            return " " * (flags.width or 0)
        digits = digits.zfill(flags.precision)
    elif flags.zero and flags.width is not None:
        digits = digits.zfill(flags.width - (value < 0 or flags.plus or flags.space))
    if flags.sharp:
        prefix = _PREFIXES.get(_BASES[verb], "")
        digits = digits if prefix == "0" and digits.startswith("0") else prefix + digits
    if verb == "O":
        digits = f"0o{digits}"
    return pad(_sign(value, flags) + digits, flags, zero=False)


def format_float(value: float, verb: str, flags: Flags) -> str | None:
    """Formats a float: `%f`, `%e`, `%g`, `%x`, `%b`."""
    if verb not in "vbgGxXfFeE":
        return None
    verb = {"v": "g", "F": "f"}.get(verb, verb)
    if not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "Inf"
        return pad(_sign(value, flags, default="+" if shown == "Inf" else "") + shown, flags, zero=False)
    precision = 6 if verb in "feE" else None
    precision = precision if flags.precision is None else flags.precision
    sign, digits = _sign(value, flags), _float_digits(abs(value), verb, precision)
    if flags.sharp and verb != "b":
        digits = _with_point(digits, verb, precision)
    if sign and flags.zero and flags.width is not None:
        return sign + digits.zfill(flags.width - 1)
    return pad(sign + digits, flags)


def _sign(value: float, flags: Flags, default: str = "") -> str:
    if math.copysign(1, value) < 0 and not math.isnan(value):
        return "-"
    return "+" if flags.plus else " " if flags.space else default


def _hexadecimal(value: bytes, verb: str, flags: Flags) -> str:
    value = value[: flags.precision]
    prefix = f"0{verb}" if flags.sharp and value else ""
    pairs = [f"{byte:02{verb}}" for byte in value]
    shown = " ".join(prefix + pair for pair in pairs) if flags.space else prefix + "".join(pairs)
    return pad(shown, flags)


def _unicode(value: int, flags: Flags) -> str:
    precision = max(flags.precision or 0, _DIGITS_OF_CHARACTER)
    shown = f"U+{value:0{precision}X}"
    if flags.sharp and value <= _HIGHEST_CHARACTER and _is_printable(chr(value)):
        shown += f" '{chr(value)}'"
    return pad(shown, flags, zero=False)


def _quote(text: str, mark: str, flags: Flags) -> str:
    return mark + "".join(_escape(character, mark, is_ascii=flags.plus) for character in text) + mark


def _escape(character: str, mark: str, *, is_ascii: bool) -> str:
    if character == mark:
        return f"\\{mark}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _is_printable(character) and (character.isascii() or not is_ascii):
        return character
    number = ord(character)
    if number < ord(" "):
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 (16 bits)


def _is_printable(character: str) -> bool:
    return character.isprintable() and ord(character) not in _SURROGATES


def _float_digits(value: float, verb: str, precision: int | None) -> str:
    if verb == "b":
        return _binary(value)
    if verb in "xX":
        return _hexadecimal_float(value, precision) if verb == "x" else _hexadecimal_float(value, precision).upper()
    if precision is None:
        return _shortest(value) if verb == "g" else _shortest(value).upper()
    if verb in "gG":
        return f"{value:.{precision}{verb}}"
    return values.format_float(value, precision) if verb == "f" else f"{value:.{precision}{verb}}"


def _shortest(value: float) -> str:
    exact = Decimal(repr(value))
    exponent = exact.adjusted() if value else 0
    if _EXPONENT_BELOW <= exponent < _EXPONENT_FROM:
        return f"{exact:f}".removesuffix(".0")
    mantissa = f"{exact.normalize().scaleb(-exponent):f}"
    return f"{mantissa}e{exponent:+03d}"


def _binary(value: float) -> str:
    mantissa, exponent = math.frexp(value)
    exponent = max(exponent - 53, -1074) if value else -1074
    return f"{int(math.ldexp(mantissa, math.frexp(value)[1] - exponent))}p{exponent:+d}"


def _hexadecimal_float(value: float, precision: int | None) -> str:
    fraction, exponent = math.frexp(value)
    mantissa = int(fraction * (_ONE << 1))
    exponent = exponent - 1 if value else 0
    if precision is not None and precision < _HIGHEST_PRECISION:
        unit = _ONE >> (4 * precision)
        kept, rest = divmod(mantissa, unit)
        kept += rest * 2 > unit or (rest * 2 == unit and kept % 2 == 1)
        mantissa = kept * unit
        if mantissa >= _ONE << 1:
            mantissa, exponent = mantissa >> 1, exponent + 1
    first, rest = divmod(mantissa, _ONE)
    digits = f"{rest:015x}"
    digits = digits.rstrip("0") if precision is None else digits[:precision].ljust(precision, "0")
    return f"0x{first}{'.' if digits else ''}{digits}p{exponent:+03d}"


def _with_point(digits: str, verb: str, precision: int | None) -> str:
    """Adds the decimal point, and for `%g` and `%x` the zeros that they leave out."""
    found = _FLOAT_PARTS.fullmatch(f"+{digits}")
    body, tail = (found[2], found[3] or "") if found else (digits, "")
    missing = 0
    if verb in "gGx":
        significant = body.replace(".", "").lstrip("0")
        missing = (6 if precision is None else precision) - len(significant)
        missing -= body == "0"
    return f"{body}{'' if '.' in body else '.'}{'0' * missing}{tail}"
