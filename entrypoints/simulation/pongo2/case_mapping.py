"""Upper, lower and title case as in Go: character by character, so that none becomes two."""

from itertools import pairwise


def upper(text: str) -> str:
    """Converts to upper case; a character without a single upper-case form stays as it is."""
    return text.upper() if text.isascii() else "".join(_if_single(c.upper(), _if_single(c.title(), c)) for c in text)


def lower(text: str) -> str:
    """Converts to lower case; of a form with two characters, such as that of `İ`, the first."""
    return text.lower() if text.isascii() else "".join(c.lower()[:1] for c in text)


def title_case(text: str) -> str:
    """Capitalizes every character that follows a separator."""
    return "".join(_if_single(c.title(), c) if _is_separator(before) else c for before, c in pairwise(f" {text}"))


def _if_single(changed: str, character: str) -> str:
    return changed if len(changed) == 1 else character


def _is_separator(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return character.isspace()
