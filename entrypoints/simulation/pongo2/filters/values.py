"""pongo2's filters for numbers, lists, times and missing values."""

from datetime import datetime

from entrypoints.simulation.pongo2 import go_time
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size
from entrypoints.simulation.pongo2.values import (
    StringList,
    can_slice,
    format_float,
    is_float,
    is_integer,
    is_truthy,
    item_at,
    length,
    slice_of,
    to_float,
    to_integer,
    to_text,
    truncate,
    wrap_int64,
)


def add(value: object, argument: object) -> object:
    """Adds two numbers; joins anything else as text."""
    if not (_is_number(value) and _is_number(argument)):
        return to_text(value) + to_text(argument)
    if is_float(value) or is_float(argument):
        return to_float(value) + to_float(argument)
    return wrap_int64(to_integer(value) + to_integer(argument))


def date(value: object, argument: object) -> object:
    """Writes a time in Go's layout, such as `2006-01-02 15:04`."""
    if not isinstance(value, datetime):
        raise TemplateRuntimeError("only a time can be formatted, such as Event.CreatedAt")
    return go_time.format_time(value, to_text(argument))


def default(value: object, argument: object) -> object:
    """Takes the argument's place for what is missing, empty, false or zero."""
    return value if is_truthy(value) else argument


def default_if_none(value: object, argument: object) -> object:
    """Takes the argument's place for what is missing."""
    return argument if value is None else value


def divisibleby(value: object, argument: object) -> object:
    """Whether the value can be divided by the argument without a rest."""
    return to_integer(argument) != 0 and to_integer(value) % to_integer(argument) == 0


def first(value: object) -> object:
    """The first item or character."""
    return item_at(value, 0) if can_slice(value) and length(value) else ""


def floatformat(value: object, argument: object) -> object:
    """Rounds to so many decimals; without an argument, or with a negative one, whole numbers get none."""
    wanted = to_float(value)
    decimals = -1 if argument is None else to_integer(argument)
    is_trimmed = not _is_number(argument) or decimals <= 0
    if is_trimmed and float(truncate(wanted)) == wanted:
        return to_integer(value)
    return format_float(wanted, check_size(abs(decimals)))


def float_(value: object) -> object:
    """The value as a number with decimals; 0 when it is none."""
    return to_float(value)


def get_digit(value: object, argument: object) -> object:
    """The digit at a position counted from the right, from 1."""
    digits, position = to_text(value).encode(), to_integer(argument)
    if not 0 < position <= len(digits):
        return value
    # Whatever stands there: pongo2 takes the byte for a digit.
    return (digits[-position] - ord("0")) % 256


def integer_(value: object) -> object:
    """The value as a whole number; 0 when it is none. What makes a JSON number equal to 0, 1, 2."""
    return to_integer(value)


def join(value: object, argument: object) -> object:
    """Joins items or characters with the argument between them."""
    if not isinstance(value, str | list):
        return value
    items = [to_text(one) for one in value]
    separator = to_text(argument)
    check_size(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def last(value: object) -> object:
    """The last item or character."""
    return item_at(value, length(value) - 1) if can_slice(value) and length(value) else ""


def length_(value: object) -> object:
    """How many characters, items or keys there are."""
    return length(value)


def length_is(value: object, argument: object) -> object:
    """Whether there are so many characters, items or keys."""
    return length(value) == to_integer(argument)


def make_list(value: object) -> object:
    """The characters as a list."""
    return StringList(to_text(value))


def pluralize(value: object, argument: object) -> object:
    """An ending for every number but 1: `s`, or the argument's; with two, `singular,plural`."""
    if not _is_number(value):
        raise TemplateRuntimeError("only numbers have a plural")
    is_one = to_integer(value) == 1
    endings = to_text(argument).split(",") if length(argument) else ["s"]
    if len(endings) > len(("singular", "plural")):
        raise TemplateRuntimeError("at most two endings, separated by a comma")
    if len(endings) == 1:
        return "" if is_one else endings[0]
    return endings[0] if is_one else endings[1]


def random(value: object, _: object, context: RenderContext) -> object:
    """Any item or character."""
    if not can_slice(value) or not length(value):
        return value
    return item_at(value, context.environment.rng.randrange(length(value)))


def check_slice(argument: object) -> None:
    """Raises TemplateRuntimeError for an argument of `slice` that is not `from:to`."""
    if to_text(argument).count(":") != 1:
        raise TemplateRuntimeError("'from:to' expected; either may be left out, the ':' may not")


def slice_(value: object, argument: object) -> object:
    """The items or characters `from:to`, the second not included. `0:` and `:` are empty, as pongo2 reads them."""
    check_slice(argument)
    if not isinstance(value, str | list):
        return value
    begin, _, finish = to_text(argument).partition(":")
    start = min(to_integer(begin), len(value))
    if start < 0:
        raise TemplateRuntimeError(f"pongo2 can't slice from the end: {start}")
    end = to_integer(finish) if start <= to_integer(finish) <= len(value) else len(value)
    return slice_of(value, start, end)


def split(value: object, argument: object) -> object:
    """Splits into a list, at every occurrence of the argument; without one, into characters."""
    separator = to_text(argument)
    return StringList(to_text(value).split(separator) if separator else to_text(value))


def yesno(value: object, argument: object) -> object:
    """`yes` for true, `no` for false, `maybe` for missing; or the argument's words, separated by commas."""
    words = to_text(argument).split(",") if to_text(argument) else ["yes", "no", "maybe"]
    fewest, most = len(("yes", "no")), len(("yes", "no", "maybe"))
    if not fewest <= len(words) <= most:
        raise TemplateRuntimeError("two or three words, separated by commas, expected")
    if value is None:
        return words[2] if len(words) == most else "maybe"
    return words[0] if is_truthy(value) else words[1]


def _is_number(value: object) -> bool:
    return is_integer(value) or is_float(value)
