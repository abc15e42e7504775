"""Regular expressions by RE2, as Go has them: linear time, no backreferences, no look-around."""

from functools import lru_cache
from typing import Protocol

import re2

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError


class Pattern(Protocol):
    """A compiled expression, as far as templates use one."""

    def search(self, text: str) -> "Match | None":
        """The leftmost match anywhere in the text."""

    def sub(self, replacement: object, text: str) -> str:
        """The text with every match replaced."""

    def split(self, text: str) -> list[str]:
        """What stands between the matches."""


class Match(Protocol):
    """A match."""

    def group(self, number: int = 0) -> str | None:
        """The whole match, or a group of it; None when the group took no part."""

    def groups(self) -> tuple[str | None, ...]:
        """All groups."""


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


@lru_cache(maxsize=512)
def compile_pattern(expression: str) -> Pattern:
    """The expression, ready to use; raises TemplateRuntimeError when it is none."""
    try:
        pattern: Pattern = re2.compile(expression, _options())
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "unknown reason"
        raise TemplateRuntimeError(f"'{expression}' is no regular expression that RE2 knows: {reason}") from error
    return pattern


def check_pattern(expression: object) -> None:
    """Raises TemplateRuntimeError when a text is no regular expression."""
    if isinstance(expression, str):
        compile_pattern(expression)
