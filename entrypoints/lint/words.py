"""Wording that checks share."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from entrypoints.suggestions import most_similar

_SHOWN: Final = 12


def either(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def both(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def instead_of(word: str, known: Collection[str]) -> str:
    """Returns a clause with the most similar known word, or else with some of the known ones."""
    if similar := most_similar(word, known):
        return f"did you mean {similar}?"
    return f"write {either(_some(sorted(known)))}" if known else "leave it out"


def _some(words: Sequence[str]) -> Sequence[str]:
    return words if len(words) <= _SHOWN else [*words[:_SHOWN], "another"]
