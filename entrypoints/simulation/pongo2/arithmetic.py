"""What the operators make of two values, by Go's types: integers stay integers, floats win."""

import math
from collections.abc import Callable

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError


def _arithmetic(
    floats: Callable[[float, float], float], integers: Callable[[int, int], int]
) -> Callable[[object, object], object]:
    def calculate(left: object, right: object) -> object:
        if values.is_float(left) or values.is_float(right):
            return floats(values.to_float(left), values.to_float(right))
        return values.wrap_int64(integers(values.to_integer(left), values.to_integer(right)))

    return calculate


def _comparison(compare: Callable[[float, float], bool]) -> Callable[[object, object], object]:
    def decide(left: object, right: object) -> object:
        if values.is_float(left) or values.is_float(right):
            return compare(values.to_float(left), values.to_float(right))
        moments = values.timestamps(left, right)
        if moments is not None:
            return compare(*moments)
        return compare(values.to_integer(left), values.to_integer(right))

    return decide


def divide(left: float, right: float) -> float:
    """The quotient; infinite or no number when dividing by zero, as floats do."""
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def divide_integers(left: int, right: int) -> int:
    """The quotient, cut towards zero; raises TemplateRuntimeError when dividing by zero."""
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
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


OPERATORS: dict[str, Callable[[object, object], object]] = {
    "==": values.are_equal,
    "!=": lambda left, right: not values.are_equal(left, right),
    "<>": lambda left, right: not values.are_equal(left, right),
    "<": _comparison(lambda left, right: left < right),
    ">": _comparison(lambda left, right: left > right),
    "<=": _comparison(lambda left, right: left <= right),
    ">=": _comparison(lambda left, right: left >= right),
    "in": lambda left, right: values.contains(right, left),
    "+": _arithmetic(lambda left, right: left + right, lambda left, right: left + right),
    "-": _arithmetic(lambda left, right: left - right, lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right, lambda left, right: left * right),
    "/": _arithmetic(divide, divide_integers),
    "%": _remainder,
    "^": _power,
}
