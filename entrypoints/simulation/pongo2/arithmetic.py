"""What the operators make of two values, by Go's types: integers stay integers, floats win."""

import math
from collections.abc import Callable

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import TemplateFailedError


def _arithmetic(
    floats: Callable[[float, float], float], integers: Callable[[int, int], int]
) -> Callable[[object, object], object]:
    def calculate(left: object, right: object) -> object:
        if values.is_float(left) or values.is_float(right):
            return floats(values.number(left), values.number(right))
        return values.wrapped(integers(values.integer(left), values.integer(right)))

    return calculate


def _comparison(compare: Callable[[float, float], bool]) -> Callable[[object, object], object]:
    def decide(left: object, right: object) -> object:
        if values.is_float(left) or values.is_float(right):
            return compare(values.number(left), values.number(right))
        moments = values.timestamps(left, right)
        if moments is not None:
            return compare(*moments)
        return compare(values.integer(left), values.integer(right))

    return decide


def divided(left: float, right: float) -> float:
    """The quotient; infinite or no number when dividing by zero, as floats do."""
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def divided_integers(left: int, right: int) -> int:
    """The quotient, cut towards zero; raises TemplateFailedError when dividing by zero."""
    if not right:
        raise TemplateFailedError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: object, right: object) -> object:
    dividend, divisor = values.integer(left), values.integer(right)
    return dividend - divisor * divided_integers(dividend, divisor)


def _power(left: object, right: object) -> object:
    base, exponent = values.number(left), values.number(right)
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


OPERATORS: dict[str, Callable[[object, object], object]] = {
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<>": lambda left, right: not values.equal(left, right),
    "<": _comparison(lambda left, right: left < right),
    ">": _comparison(lambda left, right: left > right),
    "<=": _comparison(lambda left, right: left <= right),
    ">=": _comparison(lambda left, right: left >= right),
    "in": lambda left, right: values.contains(right, left),
    "+": _arithmetic(lambda left, right: left + right, lambda left, right: left + right),
    "-": _arithmetic(lambda left, right: left - right, lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right, lambda left, right: left * right),
    "/": _arithmetic(divided, divided_integers),
    "%": _remainder,
    "^": _power,
}
