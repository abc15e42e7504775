"""Regular expressions by RE2, as in Go: linear time, no backreferences and no look-around."""

import re
from functools import lru_cache

import re2

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError


@lru_cache(maxsize=512)
def compile_pattern(expression: str) -> re.Pattern[str]:
    """Compiles an expression; RE2's patterns have the interface of `re`. Raises TemplateRuntimeError if invalid."""
    options = re2.Options()
    options.log_errors = False
    try:
        pattern: re.Pattern[str] = re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "unknown reason"
        raise TemplateRuntimeError(f"'{expression}' is not a valid regular expression: {reason}") from error
    return pattern


def check_pattern(expression: object) -> None:
    """Raises TemplateRuntimeError if a string is not a valid regular expression."""
    if isinstance(expression, str):
        compile_pattern(expression)
