"""pongo2's filters for numbers, lists, times and missing values."""

from datetime import datetime

from entrypoints.simulation.pongo2 import go_time
from entrypoints.simulation.pongo2.errors import TemplateFailedError
from entrypoints.simulation.pongo2.rendering import Run, bounded
from entrypoints.simulation.pongo2.values import (
    Texts,
    can_slice,
    fixed,
    integer,
    is_float,
    is_integer,
    item,
    length,
    number,
    part,
    text,
    truncated,
    truth,
    wrapped,
)


def add(value: object, argument: object) -> object:
    """Adds two numbers; joins anything else as text."""
    if not (_is_number(value) and _is_number(argument)):
        return text(value) + text(argument)
    if is_float(value) or is_float(argument):
        return number(value) + number(argument)
    return wrapped(integer(value) + integer(argument))


def date(value: object, argument: object) -> object:
    """Writes a time in Go's layout, such as `2006-01-02 15:04`."""
    if not isinstance(value, datetime):
        raise TemplateFailedError("only a time can be formatted, such as Event.CreatedAt")
    return go_time.formatted(value, text(argument))


def default(value: object, argument: object) -> object:
    """Takes the argument's place for what is missing, empty, false or zero."""
    return value if truth(value) else argument


def default_if_none(value: object, argument: object) -> object:
    """Takes the argument's place for what is missing."""
    return argument if value is None else value


def divisibleby(value: object, argument: object) -> object:
    """Whether the value can be divided by the argument without a rest."""
    return integer(argument) != 0 and integer(value) % integer(argument) == 0


def first(value: object) -> object:
    """The first item or character."""
    return item(value, 0) if can_slice(value) and length(value) else ""


def floatformat(value: object, argument: object) -> object:
    """Rounds to so many decimals; without an argument, or with a negative one, whole numbers get none."""
    wanted = number(value)
    decimals = -1 if argument is None else integer(argument)
    is_trimmed = not _is_number(argument) or decimals <= 0
    if is_trimmed and float(truncated(wanted)) == wanted:
        return integer(value)
    return fixed(wanted, bounded(abs(decimals)))


def float_(value: object) -> object:
    """The value as a number with decimals; 0 when it is none."""
    return number(value)


def get_digit(value: object, argument: object) -> object:
    """The digit at a position counted from the right, from 1."""
    digits, position = text(value).encode(), integer(argument)
    if not 0 < position <= len(digits):
        return value
    # Whatever stands there: pongo2 takes the byte for a digit.
    return (digits[-position] - ord("0")) % 256


def integer_(value: object) -> object:
    """The value as a whole number; 0 when it is none. What makes a JSON number equal to 0, 1, 2."""
    return integer(value)


def join(value: object, argument: object) -> object:
    """Joins items or characters with the argument between them."""
    if not isinstance(value, str | list):
        return value
    items = [text(one) for one in value]
    separator = text(argument)
    bounded(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def last(value: object) -> object:
    """The last item or character."""
    return item(value, length(value) - 1) if can_slice(value) and length(value) else ""


def length_(value: object) -> object:
    """How many characters, items or keys there are."""
    return length(value)


def length_is(value: object, argument: object) -> object:
    """Whether there are so many characters, items or keys."""
    return length(value) == integer(argument)


def make_list(value: object) -> object:
    """The characters as a list."""
    return Texts(text(value))


def pluralize(value: object, argument: object) -> object:
    """An ending for every number but 1: `s`, or the argument's; with two, `singular,plural`."""
    if not _is_number(value):
        raise TemplateFailedError("only numbers have a plural")
    is_one = integer(value) == 1
    endings = text(argument).split(",") if length(argument) else ["s"]
    if len(endings) > len(("singular", "plural")):
        raise TemplateFailedError("at most two endings, separated by a comma")
    if len(endings) == 1:
        return "" if is_one else endings[0]
    return endings[0] if is_one else endings[1]


def random(value: object, _: object, run: Run) -> object:
    """Any item or character."""
    if not can_slice(value) or not length(value):
        return value
    return item(value, run.surroundings.dice.randrange(length(value)))


def check_slice(argument: object) -> None:
    """Raises TemplateFailedError for an argument of `slice` that is not `from:to`."""
    if text(argument).count(":") != 1:
        raise TemplateFailedError("'from:to' expected; either may be left out, the ':' may not")


def slice_(value: object, argument: object) -> object:
    """The items or characters `from:to`, the second not included. `0:` and `:` are empty, as pongo2 reads them."""
    check_slice(argument)
    if not isinstance(value, str | list):
        return value
    begin, _, finish = text(argument).partition(":")
    start = min(integer(begin), len(value))
    if start < 0:
        raise TemplateFailedError(f"pongo2 can't slice from the end: {start}")
    end = integer(finish) if start <= integer(finish) <= len(value) else len(value)
    return part(value, start, end)


def split(value: object, argument: object) -> object:
    """Splits into a list, at every occurrence of the argument; without one, into characters."""
    separator = text(argument)
    return Texts(text(value).split(separator) if separator else text(value))


def yesno(value: object, argument: object) -> object:
    """`yes` for true, `no` for false, `maybe` for missing; or the argument's words, separated by commas."""
    words = text(argument).split(",") if text(argument) else ["yes", "no", "maybe"]
    fewest, most = len(("yes", "no")), len(("yes", "no", "maybe"))
    if not fewest <= len(words) <= most:
        raise TemplateFailedError("two or three words, separated by commas, expected")
    if value is None:
        return words[2] if len(words) == most else "maybe"
    return words[0] if truth(value) else words[1]


def _is_number(value: object) -> bool:
    return is_integer(value) or is_float(value)
