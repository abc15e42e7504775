"""The methods of Go's values that templates can call: those of times, and the names of months and days."""

import calendar
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from entrypoints.simulation.pongo2 import go_time
from entrypoints.simulation.pongo2.errors import ReportedError
from entrypoints.simulation.pongo2.values import (
    Duration,
    Int64,
    Month,
    PreciseTime,
    Struct,
    Weekday,
    format_time,
    nanosecond,
    type_name,
    zone_name,
)

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = 12
_DAYS_IN_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what it returns for a value and arguments of its parameters' types in Go."""

    call: Callable[..., object]
    parameters: tuple[str, ...] = ()


def find_method(value: object, name: str) -> Method | None:
    """Returns a method of the value; None if it has none of this name."""
    if isinstance(value, Struct):
        return _STRUCT_METHODS.get(value.kind, {}).get(name)
    return next((methods.get(name) for kind, methods in _METHODS.items() if isinstance(value, kind)), None)


def check_arguments(path: str, parameters: tuple[str, ...], arguments: tuple[object, ...]) -> None:
    """Raises ReportedError if the arguments do not fit the Go types of the parameters; an empty type fits all."""
    if len(arguments) != len(parameters):
        expected, given = len(parameters), len(arguments)
        wording = f"Function input argument count ({expected}) of '{path}' must be equal to the calling argument count"
        plural = "" if expected == 1 else "s"
        raise ReportedError(f"'{path}' takes {expected} argument{plural}, not {given}", wording=f"{wording} ({given}).")
    for index, (parameter, argument) in enumerate(zip(parameters, arguments, strict=True)):
        given_type = type_name(argument)
        if parameter and given_type != parameter:
            wording = f"Function input argument {index} of '{path}' must be of type {parameter} or *pongo2.Value"
            hint = "; '|integer' makes an int" if (parameter, given_type) == ("int", "float64") else ""
            message = f"'{path}' takes a value of type {parameter}, not {given_type}{hint}"
            raise ReportedError(message, wording=f"{wording} (not {given_type}).")


def _unix_nanoseconds(time: datetime) -> int:
    return (time.replace(microsecond=0) - _EPOCH) // timedelta(seconds=1) * _SECOND + nanosecond(time)


def _compare(decide: Callable[[int, int], bool]) -> Callable[[datetime, datetime], bool]:
    return lambda time, other: decide(_unix_nanoseconds(time), _unix_nanoseconds(other))


def _difference(time: datetime, other: datetime) -> Duration:
    return Duration(_unix_nanoseconds(time) - _unix_nanoseconds(other))


def _add_date(time: datetime, years: int, months: int, days: int) -> datetime:
    more_years, month = divmod(time.month - 1 + months, _MONTHS)
    first = time.replace(year=time.year + years + more_years, month=month + 1, day=1)
    return PreciseTime.create(first + timedelta(days=time.day - 1 + days), nanosecond(time))


def _in_utc(time: datetime) -> datetime:
    return PreciseTime.create(time.astimezone(UTC), nanosecond(time))


def _duration_text(duration: int) -> str:
    minutes, rest = divmod(abs(duration), _MINUTE)
    hours, minutes = divmod(minutes, _HOUR // _MINUTE)
    shown = f"{rest // _SECOND}.{rest % _SECOND:09d}".rstrip("0").rstrip(".") + "s"
    if minutes or hours:
        shown = f"{minutes}m{shown}"
    return ("-" if duration < 0 else "") + (f"{hours}h{shown}" if hours else shown)


def _refuse(wording: str) -> Callable[..., object]:
    def call(*_: object) -> object:
        raise ReportedError("this method can't be called in templates", wording=wording)

    return call


_TWO_RESULTS: Final = Method(_refuse("The second return value is not an error"))
_WRONG_RESULTS: Final = Method(_refuse("it must have exactly 1 or 2 output arguments"))
_TIMES: Final = ("time.Time",)

_TIME_METHODS: Final[Mapping[str, Method]] = {
    "Add": Method(_refuse(""), ("time.Duration",)),
    "AddDate": Method(_add_date, ("int", "int", "int")),
    "After": Method(_compare(operator.gt), _TIMES),
    "Before": Method(_compare(operator.lt), _TIMES),
    "Clock": _WRONG_RESULTS,
    "Date": _WRONG_RESULTS,
    "Day": Method(lambda time: time.day),
    "Equal": Method(_compare(operator.eq), _TIMES),
    "Format": Method(go_time.format_layout, ("string",)),
    "Hour": Method(lambda time: time.hour),
    "ISOWeek": _TWO_RESULTS,
    "IsZero": Method(lambda time: _in_utc(time) == datetime(1, 1, 1, tzinfo=UTC)),
    "Local": Method(_in_utc),
    "Location": Method(zone_name),
    "Minute": Method(lambda time: time.minute),
    "Month": Method(lambda time: Month(time.month)),
    "Nanosecond": Method(nanosecond),
    "Second": Method(lambda time: time.second),
    "String": Method(format_time),
    "Sub": Method(_difference, _TIMES),
    "UTC": Method(_in_utc),
    "Unix": Method(lambda time: Int64(_unix_nanoseconds(time) // _SECOND)),
    "UnixNano": Method(lambda time: Int64(_unix_nanoseconds(time))),
    "Weekday": Method(lambda time: Weekday(time.isoweekday() % _DAYS_IN_WEEK)),
    "Year": Method(lambda time: time.year),
    "YearDay": Method(lambda time: time.timetuple().tm_yday),
    "Zone": _TWO_RESULTS,
}
_DURATION_METHODS: Final[Mapping[str, Method]] = {
    "Hours": Method(lambda duration: duration / _HOUR),
    "Minutes": Method(lambda duration: duration / _MINUTE),
    "Nanoseconds": Method(Int64),
    "Seconds": Method(lambda duration: duration / _SECOND),
    "String": Method(_duration_text),
}
_METHODS: Final[Mapping[type, Mapping[str, Method]]] = {
    datetime: _TIME_METHODS,
    Duration: _DURATION_METHODS,
    Month: {"String": Method(lambda month: calendar.month_name[month])},
    Weekday: {"String": Method(lambda weekday: calendar.day_name[weekday - 1])},
}
_STRUCT_METHODS: Final[Mapping[str, Mapping[str, Method]]] = {
    "execution.Pack": {
        "CompleteAction": Method(_refuse(""), ("string", "execution.Event")),
        "TakeAction": Method(_refuse(""), ("string",)),
        "UpdateLastSeen": _WRONG_RESULTS,
    }
}
