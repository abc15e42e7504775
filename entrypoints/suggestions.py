"""Finds the word that was meant."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CUTOFF: Final = 0.6


def most_similar(word: str, known: Iterable[str]) -> str:
    """Returns the most similar of the known words; empty if none is similar.

    Words of the same parts in another order, such as `MessageReceived` and `ReceivedMessage`, are the most similar.
    """
    candidates = list(known)
    parts = _parts(word)
    for candidate in candidates:
        if parts and _parts(candidate) == parts:
            return candidate
    by_fold = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=_CUTOFF)
    return by_fold[found[0]] if found else ""


def _parts(word: str) -> list[str]:
    return sorted(part.casefold() for part in _WORDS.findall(word))
