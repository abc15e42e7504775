"""pongo2's filters for strings."""

from entrypoints.simulation.pongo2 import case_mapping
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.go_format import sprintf
from entrypoints.simulation.pongo2.rendering import check_size
from entrypoints.simulation.pongo2.values import length, to_integer, to_text

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PHONE_KEYS = str.maketrans(_LETTERS + _LETTERS.upper(), "22233344455566677778889999" * 2)
_ELLIPSIS = "..."


def addslashes(value: object) -> object:
    """Adds a backslash before backslashes and quotes."""
    return to_text(value).replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


def capfirst(value: object) -> object:
    """Capitalizes the first character; empty for values without a length."""
    text = to_text(value)
    return case_mapping.upper(text[:1]) + text[1:] if length(value) else ""


def center(value: object, argument: object) -> object:
    """Pads with spaces on both sides to a width."""
    missing = check_size(to_integer(argument)) - length(value)
    if missing <= 0:
        return value
    return " " * (missing - missing // 2) + to_text(value) + " " * (missing // 2)


def cut(value: object, argument: object) -> object:
    """Removes every occurrence of the argument."""
    return to_text(value).replace(to_text(argument), "") if to_text(argument) else to_text(value)


def linenumbers(value: object) -> object:
    """Numbers the lines."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(to_text(value).split("\n"), 1))


def ljust(value: object, argument: object) -> object:
    """Pads with spaces on the right to a width."""
    return to_text(value) + " " * max(check_size(to_integer(argument)) - length(value), 0)


def lower(value: object) -> object:
    """Converts to lower case."""
    return case_mapping.lower(to_text(value))


def phone2numeric(value: object) -> object:
    """Converts letters to the digits of a telephone keypad."""
    return to_text(value).translate(_PHONE_KEYS)


def rjust(value: object, argument: object) -> object:
    """Pads with spaces on the left to a width; on the right if the width is negative."""
    width = to_integer(argument)
    check_size(abs(width))
    return to_text(value).rjust(width) if width >= 0 else to_text(value).ljust(-width)


def stringformat(value: object, argument: object) -> object:
    """Formats the value as Go's `fmt.Sprintf` does: `%d`, `%.2f`, `%q` and so on."""
    return sprintf(to_text(argument), value)


def title(value: object) -> object:
    """Capitalizes every word and converts all other letters to lower case; empty for values other than strings."""
    return case_mapping.title_case(case_mapping.lower(value)) if isinstance(value, str) else ""


def truncatechars(value: object, argument: object) -> object:
    """Truncates to a number of characters, including three dots."""
    text, limit = to_text(value), to_integer(argument)
    if limit >= len(text):
        return text
    if limit < 0:
        raise TemplateRuntimeError(f"can't truncate to {limit} characters")
    return text[: limit - len(_ELLIPSIS)] + _ELLIPSIS if limit >= len(_ELLIPSIS) else text[:limit]


def truncatewords(value: object, argument: object) -> object:
    """Truncates to a number of words, followed by three dots."""
    words, limit = to_text(value).split(), to_integer(argument)
    if limit <= 0:
        return ""
    return " ".join(words[:limit] + ([_ELLIPSIS] if limit < len(words) else []))


def upper(value: object) -> object:
    """Converts to upper case."""
    return case_mapping.upper(to_text(value))


def wordcount(value: object) -> object:
    """The number of words."""
    return len(to_text(value).split())


def wordwrap(value: object, argument: object) -> object:
    """Breaks into lines of a number of words (not characters)."""
    words, per_line = to_text(value).split(), to_integer(argument)
    if per_line <= 0:
        return value
    lines = len(words) // per_line + len(words) % per_line
    if lines and per_line * (lines - 1) > len(words):
        # pongo2 counts the lines in this way, and reads past the last word.
        raise TemplateRuntimeError(f"pongo2 can't wrap {len(words)} words at {per_line}")
    return "\n".join(" ".join(words[per_line * line : per_line * (line + 1)]) for line in range(lines))
