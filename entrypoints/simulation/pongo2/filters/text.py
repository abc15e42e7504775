"""pongo2's filters for text."""

from entrypoints.simulation.pongo2 import case_mapping
from entrypoints.simulation.pongo2.errors import TemplateFailedError
from entrypoints.simulation.pongo2.go_format import formatted
from entrypoints.simulation.pongo2.rendering import bounded
from entrypoints.simulation.pongo2.values import integer, length, text

_PHONE_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_ELLIPSIS = "..."


def addslashes(value: object) -> object:
    """Puts a backslash before backslashes and quotes."""
    return text(value).replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


def capfirst(value: object) -> object:
    """Makes the first character a capital; of what has no length, nothing is left."""
    whole = text(value)
    return case_mapping.upper(whole[:1]) + whole[1:] if length(value) else ""


def center(value: object, argument: object) -> object:
    """Fills with spaces on both sides up to a width."""
    missing = bounded(integer(argument)) - length(value)
    if missing <= 0:
        return value
    return " " * (missing - missing // 2) + text(value) + " " * (missing // 2)


def cut(value: object, argument: object) -> object:
    """Removes every occurrence of the argument."""
    return text(value).replace(text(argument), "") if text(argument) else text(value)


def linenumbers(value: object) -> object:
    """Puts its number before every line."""
    lines = text(value).split("\n")
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def ljust(value: object, argument: object) -> object:
    """Fills with spaces at the right up to a width."""
    return text(value) + " " * max(bounded(integer(argument)) - length(value), 0)


def lower(value: object) -> object:
    """Makes all letters small."""
    return case_mapping.lower(text(value))


def phone2numeric(value: object) -> object:
    """Turns letters into the digits of a telephone's keys."""
    return "".join(_key(character) for character in text(value))


def rjust(value: object, argument: object) -> object:
    """Fills with spaces at the left up to a width; at the right when the width is negative."""
    width = integer(argument)
    bounded(abs(width))
    return text(value).rjust(width) if width >= 0 else text(value).ljust(-width)


def stringformat(value: object, argument: object) -> object:
    """Formats the value as Go's `fmt.Sprintf` does, with `%d`, `%.2f`, `%q` and the like."""
    return formatted(text(argument), value)


def title(value: object) -> object:
    """Begins every word with a capital and makes all other letters small; only text has a title."""
    return case_mapping.titled(case_mapping.lower(value)) if isinstance(value, str) else ""


def truncatechars(value: object, argument: object) -> object:
    """Cuts to a number of characters, the last three of them dots."""
    whole, limit = text(value), integer(argument)
    if limit >= len(whole):
        return whole
    if limit < 0:
        raise TemplateFailedError(f"can't cut to {limit} characters")
    return whole[: limit - len(_ELLIPSIS)] + _ELLIPSIS if limit >= len(_ELLIPSIS) else whole[:limit]


def truncatewords(value: object, argument: object) -> object:
    """Cuts to a number of words; three dots stand for the others."""
    words, limit = text(value).split(), integer(argument)
    if limit <= 0:
        return ""
    return " ".join(words[:limit] + ([_ELLIPSIS] if limit < len(words) else []))


def upper(value: object) -> object:
    """Makes all letters capitals."""
    return case_mapping.upper(text(value))


def wordcount(value: object) -> object:
    """Counts the words."""
    return len(text(value).split())


def wordwrap(value: object, argument: object) -> object:
    """Breaks into lines of so many words (of words, not of characters)."""
    words, per_line = text(value).split(), integer(argument)
    if per_line <= 0:
        return value
    lines = len(words) // per_line + len(words) % per_line
    if lines and per_line * (lines - 1) > len(words):
        # pongo2 counts the lines in this way, and reads past the last word.
        raise TemplateFailedError(f"pongo2 can't wrap {len(words)} words at {per_line}")
    return "\n".join(" ".join(words[per_line * line : per_line * (line + 1)]) for line in range(lines))


def _key(character: str) -> str:
    if not (character.isascii() and character.isalpha()):
        return character
    return character.lower().translate(_PHONE_KEYS)
