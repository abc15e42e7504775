"""pongo2's filters for numbers, lists, times and missing values."""

from datetime import datetime

from entrypoints.simulation.pongo2 import go_time
from entrypoints.simulation.pongo2.errors import ReportedError, TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size
from entrypoints.simulation.pongo2.values import (
    StringList,
    check_slice,
    format_float,
    is_integer,
    is_truthy,
    item_at,
    length,
    to_float,
    to_integer,
    to_text,
    truncate,
    wrap_int64,
)


def add(value: object, argument: object) -> object:
    """Adds two numbers; joins other values as strings."""
    if not (_is_number(value) and _is_number(argument)):
        return to_text(value) + to_text(argument)
    if isinstance(value, float) or isinstance(argument, float):
        return to_float(value) + to_float(argument)
    return wrap_int64(to_integer(value) + to_integer(argument))


def date(value: object, argument: object) -> object:
    """Formats a time by Go's layout, such as `2006-01-02 15:04`."""
    if not isinstance(value, datetime):
        message = "only a time can be formatted, such as Event.CreatedAt"
        raise ReportedError(message, wording="filter input argument must be of type 'time.Time'")
    return go_time.format_layout(value, to_text(argument))


time = date


def default(value: object, argument: object) -> object:
    """The argument if the value is missing, empty, false or zero."""
    return value if is_truthy(value) else argument


def default_if_none(value: object, argument: object) -> object:
    """The argument if the value is missing."""
    return argument if value is None else value


def divisibleby(value: object, argument: object) -> object:
    """Whether the value is divisible by the argument."""
    return to_integer(argument) != 0 and to_integer(value) % to_integer(argument) == 0


def first(value: object) -> object:
    """The first item or character."""
    return item_at(value, 0) if isinstance(value, str | list) and value else ""


def floatformat(value: object, argument: object) -> object:
    """Rounds to a number of decimals; integers get none without an argument or with a negative one."""
    wanted = to_float(value)
    decimals = -1 if argument is None else to_integer(argument)
    is_trimmed = not _is_number(argument) or decimals <= 0
    if is_trimmed and float(truncate(wanted)) == wanted:
        return to_integer(value)
    return format_float(wanted, check_size(abs(decimals)))


def float_(value: object) -> object:
    """Converts to a float; 0 if the value is not a number."""
    return to_float(value)


def get_digit(value: object, argument: object) -> object:
    """The digit at a position from the right, starting with 1."""
    digits, position = to_text(value).encode(), to_integer(argument)
    if not 0 < position <= len(digits):
        return value
    # pongo2 takes any byte for a digit.
    return (digits[-position] - ord("0")) % 256


def integer_(value: object) -> object:
    """Converts to an integer; 0 if the value is not a number. Makes a JSON number comparable with 0, 1, 2."""
    return to_integer(value)


def join(value: object, argument: object) -> object:
    """Joins items or characters with the argument between them."""
    if not isinstance(value, str | list):
        return value
    items = [to_text(item) for item in value]
    separator = to_text(argument)
    check_size(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def last(value: object) -> object:
    """The last item or character."""
    return item_at(value, len(value) - 1) if isinstance(value, str | list) and value else ""


def length_(value: object) -> object:
    """The number of characters, items or keys."""
    return length(value)


def length_is(value: object, argument: object) -> object:
    """Whether the value has this number of characters, items or keys."""
    return length(value) == to_integer(argument)


def make_list(value: object) -> object:
    """The characters as a list."""
    return StringList(to_text(value))


def pluralize(value: object, argument: object) -> object:
    """The plural ending, unless the number is 1: `s`, the argument, or the second of `singular,plural`."""
    if not _is_number(value):
        raise ReportedError("only numbers have a plural", wording="filter 'pluralize' does only work on numbers")
    endings = to_text(argument).split(",") if length(argument) else ["s"]
    if len(endings) > len(("singular", "plural")):
        message = "expected at most two endings, separated by a comma"
        raise ReportedError(message, wording="you cannot pass more than 2 arguments to filter 'pluralize'")
    singular, plural = endings if len(endings) > 1 else ("", endings[0])
    return singular if to_integer(value) == 1 else plural


def random(value: object, _: object, context: RenderContext) -> object:
    """A random item or character."""
    if not isinstance(value, str | list) or not value:
        return value
    return item_at(value, context.environment.rng.randrange(len(value)))


def slice_(value: object, argument: object) -> object:
    """The items or characters `from:to`, excluding the second. `0:` and `:` are empty, as in pongo2."""
    check_slice(argument)
    if not isinstance(value, str | list):
        return value
    begin, _, finish = to_text(argument).partition(":")
    start = min(to_integer(begin), len(value))
    if start < 0:
        raise TemplateRuntimeError(f"pongo2 can't slice from the end: {start}")
    end = to_integer(finish) if start <= to_integer(finish) <= len(value) else len(value)
    items = value[start:end]
    return StringList(items) if isinstance(value, StringList) else items


def split(value: object, argument: object) -> object:
    """Splits into a list at every occurrence of the argument; into characters without one."""
    separator = to_text(argument)
    return StringList(to_text(value).split(separator) if separator else to_text(value))


def yesno(value: object, argument: object) -> object:
    """`yes` for true, `no` for false, `maybe` for missing; or the words of the argument, separated by commas."""
    words = to_text(argument).split(",") if to_text(argument) else ["yes", "no", "maybe"]
    fewest, most = len(("yes", "no")), len(("yes", "no", "maybe"))
    if not fewest <= len(words) <= most:
        rule = "cannot pass more than 3 options" if len(words) > most else "must pass either no or at least 2 arguments"
        wording = f"You {rule} to the 'yesno'-filter (got: '{to_text(argument)}')."
        raise ReportedError("expected two or three words, separated by commas", wording=wording)
    if value is None:
        return words[2] if len(words) == most else "maybe"
    return words[0] if is_truthy(value) else words[1]


def _is_number(value: object) -> bool:
    return is_integer(value) or isinstance(value, float)
