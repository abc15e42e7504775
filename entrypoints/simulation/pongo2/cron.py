"""Cron expressions: minute, hour, day of month, month, day of week, and a year if wanted."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
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
    names: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
    _Field("year", 1970, 2199, {}),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times that a cron expression means; every set holds the allowed numbers of its field."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    is_any_day: bool
    is_any_weekday: bool

    def includes(self, moment: datetime) -> bool:
        """Whether a time falls into it, whatever its seconds; in the time's own zone."""
        is_time = moment.minute in self.minutes and moment.hour in self.hours
        return is_time and moment.month in self.months and moment.year in self.years and self._is_day(moment)

    def _is_day(self, moment: datetime) -> bool:
        is_day, is_weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        if self.is_any_day or self.is_any_weekday:
            return is_day and is_weekday
        # Both restricted: either is enough, as in every cron.
        return is_day or is_weekday


@lru_cache(maxsize=256)
def parse_schedule(expression: str) -> Schedule:
    """The schedule that an expression writes; raises TemplateRuntimeError with what is wrong."""
    fields = _MACROS.get(expression.strip().lower(), expression).split()
    if not len(_FIELDS) - 1 <= len(fields) <= len(_FIELDS):
        raise TemplateRuntimeError(f"the cron expression '{expression}' has {len(fields)} fields, not five or six")
    sets = [_numbers(written, field) for written, field in zip(fields, _FIELDS, strict=False)]
    if len(sets) < len(_FIELDS):
        sets.append(frozenset(range(_FIELDS[-1].lowest, _FIELDS[-1].highest + 1)))
    minutes, hours, days, months, weekdays, years = sets
    weekdays = frozenset(number % _SUNDAY for number in weekdays)
    is_any = [written in {"*", "?"} for written in fields]
    return Schedule(minutes, hours, days, months, weekdays, years, is_any[2], is_any[4])


def check_expression(expression: object) -> None:
    """Raises TemplateRuntimeError when a text is no cron expression."""
    if isinstance(expression, str):
        parse_schedule(expression)


def _numbers(written: str, field: _Field) -> frozenset[int]:
    return frozenset(number for piece in written.split(",") for number in _piece(piece, field))


def _piece(piece: str, field: _Field) -> range:
    span, slash, step = piece.partition("/")
    stride = _number(step, field, lowest=1) if slash else 1
    if span in {"*", "?"}:
        return range(field.lowest, field.highest + 1, stride)
    first, dash, final = span.partition("-")
    start = _number(first, field, lowest=field.lowest)
    default_end = field.highest if slash else start
    end = _number(final, field, lowest=field.lowest) if dash else default_end
    if end < start:
        raise TemplateRuntimeError(f"'{piece}' runs backwards, in the {field.name} of a cron expression")
    return range(start, end + 1, stride)


def _number(written: str, field: _Field, lowest: int) -> int:
    number = field.names.get(written.upper())
    if number is None and written.isascii() and written.isdigit():
        number = int(written)
    if number is None or not lowest <= number <= field.highest:
        raise TemplateRuntimeError(f"'{written}' is no {field.name} of a cron expression")
    return number
