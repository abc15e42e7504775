"""The operators, by Go's types: integers stay integers unless the other side is a float."""

import math
import operator
from collections.abc import Callable
from datetime import datetime

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

Operator = Callable[[object, object], object]


def negate(value: object) -> object:
    """Applies `not`, which keeps the type of a number."""
    if values.is_integer(value):
        return 0 if value else 1
    if isinstance(value, float):
        return 0.0 if value else 1.1
    return not values.is_truthy(value)


def are_equal(one: object, other: object) -> bool:
    """Whether two values are equal and of the same type; an integer never equals a float."""
    if isinstance(one, str) and isinstance(other, str):
        return str(one) == str(other)
    if values.is_integer(one) and values.is_integer(other):
        return one == other
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other and values.nanosecond(one) == values.nanosecond(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | dict):
        raise TemplateRuntimeError("two lists or two maps can't be compared")
    if isinstance(one, values.Struct) and not one.is_pointer and values.type_name(one) == values.type_name(other):
        raise TemplateRuntimeError(f"two values of the type {one.kind} can't be compared")
    return one == other


def is_in(wanted: object, value: object) -> bool:
    """Applies `in`: a substring, an item of a list, a key of a map or a field of a struct."""
    if isinstance(value, values.Struct):
        return values.to_text(wanted) in value.fields
    if isinstance(value, dict):
        if type(wanted) is int:
            raise TemplateRuntimeError("the keys of a map are strings, not integers")
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, str):
        return values.to_text(wanted) in value
    return isinstance(value, list) and any(are_equal(wanted, item) for item in value)


def _arithmetic(floats: Callable[[float, float], float], integers: Callable[[int, int], int]) -> Operator:
    def calculate(left: object, right: object) -> object:
        if isinstance(left, float) or isinstance(right, float):
            return floats(values.to_float(left), values.to_float(right))
        return values.wrap_int64(integers(values.to_integer(left), values.to_integer(right)))

    return calculate


def _comparison(compare: Callable[[float, float], bool]) -> Operator:
    def decide(left: object, right: object) -> object:
        if isinstance(left, float) or isinstance(right, float):
            return compare(values.to_float(left), values.to_float(right))
        return compare(values.to_integer(left), values.to_integer(right))

    return decide


def divide(left: float, right: float) -> float:
    """Divides floats; division by zero gives infinity or NaN."""
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def divide_integers(left: int, right: int) -> int:
    """Divides integers, rounding towards zero. Raises TemplateRuntimeError for division by zero."""
    if not right:
        raise TemplateRuntimeError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: object, right: object) -> object:
    dividend, divisor = values.to_integer(left), values.to_integer(right)
    return dividend - divisor * divide_integers(dividend, divisor)


def _power(left: object, right: object) -> object:
    base, exponent = values.to_float(left), values.to_float(right)
    try:
        power = math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan
    is_whole = exponent.is_integer() and math.isfinite(power) and power != 0 and base != 1
    return _power_by_squaring(base, int(exponent)) if is_whole else power


def _power_by_squaring(base: float, exponent: int) -> float:
    """Computes a whole power in the steps of Go's math.Pow, with its rounding errors, which show in large numbers."""
    power, power_of_two = 1.0, 0
    mantissa, shift = math.frexp(base)
    for bit in reversed(f"{abs(exponent):b}"):
        if bit == "1":
            power, power_of_two = power * mantissa, power_of_two + shift
        mantissa, normalization = math.frexp(mantissa * mantissa)
        shift = 2 * shift + normalization
    return math.ldexp(1 / power, -power_of_two) if exponent < 0 else math.ldexp(power, power_of_two)


def _differ(left: object, right: object) -> object:
    return not are_equal(left, right)


OPERATORS: dict[str, Operator] = {
    "==": are_equal,
    "!=": _differ,
    "<>": _differ,
    "<": _comparison(operator.lt),
    ">": _comparison(operator.gt),
    "<=": _comparison(operator.le),
    ">=": _comparison(operator.ge),
    "in": is_in,
    "+": _arithmetic(operator.add, operator.add),
    "-": _arithmetic(operator.sub, operator.sub),
    "*": _arithmetic(operator.mul, operator.mul),
    "/": _arithmetic(divide, divide_integers),
    "%": _remainder,
    "^": _power,
}
