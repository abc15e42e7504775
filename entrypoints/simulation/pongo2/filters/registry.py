"""All filters by name. Every public function of the filter modules is a filter, named as in templates."""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import isfunction, signature
from types import ModuleType

from entrypoints.simulation.pongo2 import cron, regex
from entrypoints.simulation.pongo2.expression_parser import Filter
from entrypoints.simulation.pongo2.filters import flyte, html, text, values
from entrypoints.simulation.pongo2.values import check_slice

_ARGUMENT_CHECKS: dict[str, Callable[[object], object]] = {
    "extractMatch": regex.check_pattern,
    "match": regex.check_pattern,
    "matchesCron": cron.check_expression,
    "slice": check_slice,
}


def _filters(modules: Iterable[ModuleType], name_of: Callable[[str], str]) -> dict[str, Filter]:
    return {
        name_of(name): _filter(name_of(name), function)
        for module in modules
        for name, function in vars(module).items()
        if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def _filter(name: str, function: Callable[..., object]) -> Filter:
    """Adapts a function of the value, and optionally of the argument and the context."""
    count = len(signature(function).parameters)

    @wraps(function)
    def apply(*operands: object) -> object:
        return function(*operands[:count])

    return Filter(apply, _ARGUMENT_CHECKS.get(name))


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


PONGO2_FILTERS = _filters((html, text, values), lambda name: name.rstrip("_"))
FLYTE_FILTERS = _filters((flyte,), _camel_case)
FILTERS = PONGO2_FILTERS | FLYTE_FILTERS
