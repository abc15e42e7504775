"""Cron expressions as the server's library reads them: each field alone decides, and an impossible value never matches.

The fields are minute, hour, day of month, month, day of week (0 to 6) and an optional year.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from entrypoints.simulation.pongo2.errors import ReportedError, TemplateRuntimeError

_MACROS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
        "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *",
        "@hourly": "0 * * * *",
        "@always": "* * * * *",
        "@5minutes": "*/5 * * * *",
        "@10minutes": "*/10 * * * *",
        "@15minutes": "*/15 * * * *",
        "@30minutes": "0,30 * * * *",
    }
)
_DAY_NAMES: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTH_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERS: Final = {name: str(number) for number, name in (*enumerate(_DAY_NAMES), *enumerate(_MONTH_NAMES, 1))}
_NAMES: Final = re.compile("|".join(_NUMBERS))
_SPACES: Final = re.compile(r"[\t\n\f\r ]+")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_ALL: Final = frozenset({"*", "?"})
_MODIFIERS: Final = re.compile("[LW#]")
_PART: Final = re.compile(r"(?:[*?]|([0-9]+)(?:-([0-9]+))?)(?:/0*[1-9][0-9]*)?|[0-9]{0,2}[LW]|[0-6]#[1-5]")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int


_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12),
    _Field("day of week", 0, 6),
    _Field("year", 1, 9999),
)
_DAY: Final = 2
_WEEKDAY: Final = 4
_DAYS_IN_WEEK: Final = 7
_WEEKS: Final = range(1, 6)


def matches(expression: str, time: datetime) -> bool:
    """Whether a time matches, in its own zone and regardless of its seconds.

    Raises TemplateRuntimeError if the number of fields is wrong, or a field that decides cannot be read.
    """
    weekday = time.isoweekday() % _DAYS_IN_WEEK
    values = (time.minute, time.hour, time.day, time.month, weekday, time.year)
    fields = zip(_split(expression), values, strict=False)
    return all(field in _ALL or _is_due(field, position, value, time) for position, (field, value) in enumerate(fields))


def check_expression(expression: object) -> None:
    """Raises TemplateRuntimeError if a string cannot be read, or never matches."""
    if not isinstance(expression, str):
        return
    for text, field in zip(_split(expression), _FIELDS, strict=False):
        for part in text.split(","):
            found = _PART.fullmatch(part)
            numbers = [int(number) for number in found.groups() if number] if found else [-1]
            if any(not field.lowest <= number <= field.highest for number in numbers) or numbers != sorted(numbers):
                raise TemplateRuntimeError(f"'{part}' is not a valid {field.name} of a cron expression")


def _split(expression: str) -> list[str]:
    text = expression.strip(" \t")
    text = _SPACES.sub(" ", _MACROS.get(text.lower(), text)).upper()
    fields = _NAMES.sub(lambda name: _NUMBERS[name[0]], text).split(" ")
    if not len(_FIELDS) - 1 <= len(fields) <= len(_FIELDS):
        message = f"the cron expression '{expression}' has {len(fields)} fields, not five or six"
        raise ReportedError(message, wording="expr should contain 5-6 segments separated by space")
    return fields


def _is_due(field: str, position: int, value: int, time: datetime) -> bool:
    for part in field.split(","):
        try:
            if _includes(part, value):
                return True
        except ReportedError:
            if position not in {_DAY, _WEEKDAY}:
                raise
        if position == _DAY and _MODIFIERS.search(part):
            is_due = _includes_day(part, time)
        else:
            is_due = position == _WEEKDAY and _MODIFIERS.search(part) is not None and _includes_weekday(part, time)
        if is_due:
            return True
    return False


def _includes(part: str, value: int) -> bool:
    if part in _ALL:
        return True
    if "/" in part:
        return _includes_step(part, value)
    if "-" in part:
        first, last, *_ = part.split("-")
        return _integer(first) <= value <= _integer(last)
    if value == 0 or part == "0":
        return part == "0" and value == 0
    return _integer(part) == value


def _includes_step(part: str, value: int) -> bool:
    span, step_text, *_ = part.split("/")
    step = _integer(step_text)
    if step == 0:
        raise ReportedError("a step of a cron expression can't be 0", wording="step can't be 0")
    if span in {"*", "0"}:
        return value % step == 0
    first, *rest = span.split("-")
    start, end = _integer(first), _integer(rest[0]) if rest else value
    return step > 0 and start <= value <= end and (value - start) % step == 0


def _includes_day(part: str, time: datetime) -> bool:
    last = calendar.monthrange(time.year, time.month)[1]
    if part == "L":
        return time.day == last
    nearest = _number_before("W", part)
    for day in (nearest, nearest - 1, nearest + 1, nearest - 2, nearest + 2):
        if 0 < day <= last and calendar.weekday(time.year, time.month, day) < calendar.SATURDAY:
            return time.day == day
    return False


def _includes_weekday(part: str, time: datetime) -> bool:
    weekday = time.isoweekday() % _DAYS_IN_WEEK
    if part.find("L") > 0:
        last = calendar.monthrange(time.year, time.month)[1]
        return weekday == _number_before("L", part) and time.day > last - _DAYS_IN_WEEK
    numbers = part.replace("7#", "0#")
    wanted, week = _number_before("#", numbers), _integer(numbers.split("#")[1])
    # The library counts the seventh day of a month into the second week.
    return week in _WEEKS and wanted == weekday and time.day // _DAYS_IN_WEEK == week - 1


def _number_before(letter: str, part: str) -> int:
    number, found, _ = part.partition(letter)
    if not number or not found:
        raise ReportedError(f"'{part}' is not valid in a cron expression", wording=f"invalid offset value: {part}")
    return _integer(number)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        wording = f'strconv.Atoi: parsing "{text}": invalid syntax'
        raise ReportedError(f"'{text}' is not a number in a cron expression", wording=wording)
    return int(text)
