"""pongo2's filters for text."""

from entrypoints.simulation.pongo2 import case_mapping
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.go_format import sprintf
from entrypoints.simulation.pongo2.rendering import check_size
from entrypoints.simulation.pongo2.values import length, to_integer, to_text

_PHONE_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_ELLIPSIS = "..."


def addslashes(value: object) -> object:
    """Puts a backslash before backslashes and quotes."""
    return to_text(value).replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


def capfirst(value: object) -> object:
    """Makes the first character a capital; of what has no length, nothing is left."""
    whole = to_text(value)
    return case_mapping.upper(whole[:1]) + whole[1:] if length(value) else ""


def center(value: object, argument: object) -> object:
    """Fills with spaces on both sides up to a width."""
    missing = check_size(to_integer(argument)) - length(value)
    if missing <= 0:
        return value
    return " " * (missing - missing // 2) + to_text(value) + " " * (missing // 2)


def cut(value: object, argument: object) -> object:
    """Removes every occurrence of the argument."""
    return to_text(value).replace(to_text(argument), "") if to_text(argument) else to_text(value)


def linenumbers(value: object) -> object:
    """Puts its number before every line."""
    lines = to_text(value).split("\n")
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def ljust(value: object, argument: object) -> object:
    """Fills with spaces at the right up to a width."""
    return to_text(value) + " " * max(check_size(to_integer(argument)) - length(value), 0)


def lower(value: object) -> object:
    """Makes all letters small."""
    return case_mapping.lower(to_text(value))


def phone2numeric(value: object) -> object:
    """Turns letters into the digits of a telephone's keys."""
    return "".join(_key(character) for character in to_text(value))


def rjust(value: object, argument: object) -> object:
    """Fills with spaces at the left up to a width; at the right when the width is negative."""
    width = to_integer(argument)
    check_size(abs(width))
    return to_text(value).rjust(width) if width >= 0 else to_text(value).ljust(-width)


def stringformat(value: object, argument: object) -> object:
    """Formats the value as Go's `fmt.Sprintf` does, with `%d`, `%.2f`, `%q` and the like."""
    return sprintf(to_text(argument), value)


def title(value: object) -> object:
    """Begins every word with a capital and makes all other letters small; only text has a title."""
    return case_mapping.title_case(case_mapping.lower(value)) if isinstance(value, str) else ""


def truncatechars(value: object, argument: object) -> object:
    """Cuts to a number of characters, the last three of them dots."""
    whole, limit = to_text(value), to_integer(argument)
    if limit >= len(whole):
        return whole
    if limit < 0:
        raise TemplateRuntimeError(f"can't cut to {limit} characters")
    return whole[: limit - len(_ELLIPSIS)] + _ELLIPSIS if limit >= len(_ELLIPSIS) else whole[:limit]


def truncatewords(value: object, argument: object) -> object:
    """Cuts to a number of words; three dots stand for the others."""
    words, limit = to_text(value).split(), to_integer(argument)
    if limit <= 0:
        return ""
    return " ".join(words[:limit] + ([_ELLIPSIS] if limit < len(words) else []))


def upper(value: object) -> object:
    """Makes all letters capitals."""
    return case_mapping.upper(to_text(value))


def wordcount(value: object) -> object:
    """Counts the words."""
    return len(to_text(value).split())


def wordwrap(value: object, argument: object) -> object:
    """Breaks into lines of so many words (of words, not of characters)."""
    words, per_line = to_text(value).split(), to_integer(argument)
    if per_line <= 0:
        return value
    lines = len(words) // per_line + len(words) % per_line
    if lines and per_line * (lines - 1) > len(words):
        # pongo2 counts the lines in this way, and reads past the last word.
        raise TemplateRuntimeError(f"pongo2 can't wrap {len(words)} words at {per_line}")
    return "\n".join(" ".join(words[per_line * line : per_line * (line + 1)]) for line in range(lines))


def _key(character: str) -> str:
    if not (character.isascii() and character.isalpha()):
        return character
    return character.lower().translate(_PHONE_KEYS)
