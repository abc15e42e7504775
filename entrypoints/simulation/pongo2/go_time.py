"""Formats times by Go's layouts, whose reference time is Mon Jan 2 15:04:05 MST 2006."""

import re
from collections.abc import Callable
from datetime import datetime

from entrypoints.simulation.pongo2.values import nanosecond, zone_name

_PARTS = re.compile(
    r"""January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm
    |[-Z]07(?::00:00|:00|0000|00)?|[.,](?:0+|9+)(?![0-9])""",
    re.VERBOSE,
)


def format_layout(time: datetime, layout: str) -> str:
    """Formats a time in a layout such as `2006-01-02 15:04`; other text in the layout stays as it is."""
    return _PARTS.sub(lambda found: _format_part(time, found.group()), layout)


def _format_part(time: datetime, part: str) -> str:
    if part in _FORMATTERS:
        return _FORMATTERS[part](time)
    if part in _STRFTIME:
        return time.strftime(_STRFTIME[part])
    return _fraction(time, part) if part[0] in ".," else _offset(time, part)


def _fraction(time: datetime, part: str) -> str:
    digits = f"{nanosecond(time):09d}".ljust(len(part) - 1, "0")[: len(part) - 1]
    if part[1] == "9":
        digits = digits.rstrip("0")
    return part[0] + digits if digits else ""


def _offset(time: datetime, part: str) -> str:
    offset = time.utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    if part[0] == "Z" and not seconds:
        return "Z"
    minutes = abs(seconds) // 60
    groups = (f"{minutes // 60:02d}", f"{minutes % 60:02d}", "00")
    separator = ":" if ":" in part else ""
    return ("-" if seconds < 0 else "+") + separator.join(groups[: len(part.replace(":", "")) // 2])


_STRFTIME = {
    "January": "%B",
    "Jan": "%b",
    "Monday": "%A",
    "Mon": "%a",
    "002": "%j",
    "01": "%m",
    "02": "%d",
    "06": "%y",
    "15": "%H",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "PM": "%p",
}
_FORMATTERS: dict[str, Callable[[datetime], str]] = {
    "MST": zone_name,
    "2006": lambda time: f"{time.year:04d}",
    "1": lambda time: str(time.month),
    "2": lambda time: str(time.day),
    "_2": lambda time: f"{time.day:2d}",
    "__2": lambda time: f"{time.timetuple().tm_yday:3d}",
    "3": lambda time: str(time.hour % 12 or 12),
    "4": lambda time: str(time.minute),
    "5": lambda time: str(time.second),
    "pm": lambda time: time.strftime("%p").lower(),
}
