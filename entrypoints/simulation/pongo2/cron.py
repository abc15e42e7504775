"""Cron expressions: minute, hour, day of month, month, day of week and an optional year."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_SUNDAY = 7


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    value_names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTH_NAMES),
    _Field("day of week", 0, 7, _DAY_NAMES),
    _Field("year", 1970, 2199),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times that match a cron expression; every set holds the allowed values of its field."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    restricts_both_days: bool

    def includes(self, time: datetime) -> bool:
        """Whether a time matches, in its own zone and regardless of its seconds."""
        is_time = time.minute in self.minutes and time.hour in self.hours
        return is_time and time.month in self.months and time.year in self.years and self._includes_day(time)

    def _includes_day(self, time: datetime) -> bool:
        is_day, is_weekday = time.day in self.days, time.isoweekday() % _SUNDAY in self.weekdays
        # If both are restricted, either is enough, as in every cron.
        return is_day or is_weekday if self.restricts_both_days else is_day and is_weekday


@lru_cache(maxsize=256)
def parse_schedule(expression: str) -> Schedule:
    """Parses a cron expression. Raises TemplateRuntimeError if it is invalid."""
    fields = _MACROS.get(expression.strip().lower(), expression).split()
    if not len(_FIELDS) - 1 <= len(fields) <= len(_FIELDS):
        raise TemplateRuntimeError(f"the cron expression '{expression}' has {len(fields)} fields, not five or six")
    restricts_both_days = not {fields[2], fields[4]} & {"*", "?"}
    sets = [_parse_field(text, field) for text, field in zip([*fields, "*"], _FIELDS, strict=False)]
    minutes, hours, days, months, weekdays, years = sets
    weekdays = frozenset(day % _SUNDAY for day in weekdays)
    return Schedule(minutes, hours, days, months, weekdays, years, restricts_both_days)


def check_expression(expression: object) -> None:
    """Raises TemplateRuntimeError if a string is not a valid cron expression."""
    if isinstance(expression, str):
        parse_schedule(expression)


def _parse_field(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _parse_range(part, field))


def _parse_range(part: str, field: _Field) -> range:
    span, slash, step = part.partition("/")
    stride = _parse_number(step, field, lowest=1) if slash else 1
    if span in {"*", "?"}:
        return range(field.lowest, field.highest + 1, stride)
    first, dash, last = span.partition("-")
    start = _parse_number(first, field, field.lowest)
    default_end = field.highest if slash else start
    end = _parse_number(last, field, field.lowest) if dash else default_end
    if end < start:
        raise TemplateRuntimeError(f"the range '{part}' runs backwards, in the {field.name} of a cron expression")
    return range(start, end + 1, stride)


def _parse_number(text: str, field: _Field, lowest: int) -> int:
    number = -1
    if text.upper() in field.value_names:
        number = field.value_names.index(text.upper()) + field.lowest
    elif text.isascii() and text.isdigit():
        number = int(text)
    if not lowest <= number <= field.highest:
        raise TemplateRuntimeError(f"'{text}' is not a valid {field.name} of a cron expression")
    return number
