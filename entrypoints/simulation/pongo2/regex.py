"""Regular expressions by RE2, as in Go: linear time, no backreferences and no look-around."""

import re
from functools import lru_cache
from typing import Final

import re2

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

_TOKEN: Final = re.compile(
    r"""\\Q.*?(?:\\E|$) | \\. | \[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\] | \(\?< | .""", re.DOTALL | re.VERBOSE
)
_REFUSED_BY_GO: Final = {r"\C": r"Go does not know '\C'", "(?<": "the server's Go knows '(?P<name>...)' only"}


@lru_cache(maxsize=512)
def compile_pattern(expression: str) -> re.Pattern[str]:
    """Compiles an expression; RE2's patterns have the interface of `re`. Raises TemplateRuntimeError if invalid."""
    options = re2.Options()
    options.log_errors = False
    try:
        pattern: re.Pattern[str] = re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "unknown reason"
        raise _invalid(expression, reason) from error
    for token in _TOKEN.findall(expression):
        if token in _REFUSED_BY_GO:
            raise _invalid(expression, _REFUSED_BY_GO[token])
    return pattern


def check_pattern(expression: object) -> None:
    """Raises TemplateRuntimeError if a string is not a valid regular expression."""
    if isinstance(expression, str):
        compile_pattern(expression)


def _invalid(expression: str, reason: str) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"'{expression}' is not a valid regular expression: {reason}")
