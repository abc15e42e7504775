"""Foreign text on its way to a terminal."""

import unicodedata
from collections.abc import Callable
from typing import Final

_NEEDED: Final = "\u200c\u200d"
"""Invisible characters that writing systems and emoji need."""
_DECEPTIVE: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that could forge a line, control a terminal, change the writing direction, hide text, or
can't be encoded."""


def escape_controls(text: str) -> str:
    """Returns the text with control characters, and others that could mislead a reader, written as escapes of JSON.

    A JSON text without line feeds keeps its value.
    """
    return _escape(text, _json_escape)


def escape_controls_of_yaml(text: str) -> str:
    """As `escape_controls`, for a double-quoted scalar of YAML, which keeps its value."""
    return _escape(text, _yaml_escape)


def _escape(text: str, escape: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(escape(character) if _is_deceptive(character) else character for character in text)


def _is_deceptive(character: str) -> bool:
    return unicodedata.category(character) in _DECEPTIVE and character not in _NEEDED


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _yaml_escape(character: str) -> str:
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def printable(text: str) -> str:
    """Returns the text with its control characters escaped, except for line feeds."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(map(escape_controls, lines))
