"""Capitals and small letters one character at a time, as Go changes them: no character becomes two."""

import unicodedata


def upper(text: str) -> str:
    """The text in capitals; a character without a capital of its own stays."""
    return text.upper() if text.isascii() else "".join(_single(c, c.upper()) for c in text)


def lower(text: str) -> str:
    """The text in small letters."""
    return text.lower() if text.isascii() else "".join(_single(c, c.lower()) for c in text)


def title_case(text: str) -> str:
    """The text with a capital after everything that is no letter, digit or underscore."""
    written: list[str] = []
    before = " "
    for character in text:
        written.append(_single(character, character.title()) if _separates(before) else character)
        before = character
    return "".join(written)


def _single(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character


def _separates(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return unicodedata.category(character)[0] not in "LN" and character.isspace()
