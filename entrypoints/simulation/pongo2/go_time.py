"""Writes times as Go's layouts say: the reference time is Mon Jan 2 15:04:05 MST 2006."""

import re
from collections.abc import Callable
from datetime import datetime

_MINUTES_AN_HOUR = 60
_PARTS = re.compile(
    r"""January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm
    |[-Z]07(?::00:00|:00|0000|00)?|[.,](?:0+|9+)(?![0-9])""",
    re.VERBOSE,
)


def format_time(moment: datetime, layout: str) -> str:
    """The time in a layout, such as `2006-01-02 15:04`; what is no part of the reference time stays."""
    return _PARTS.sub(lambda found: _part(moment, found.group()), layout)


def zone_name(moment: datetime) -> str:
    """`UTC`, or the offset where a zone has no name."""
    return "UTC" if not moment.utcoffset() else _offset(moment, "-0700")


def _part(moment: datetime, part: str) -> str:
    if part in _WRITERS:
        return _WRITERS[part](moment)
    if part[0] in ".,":
        return _fraction(moment, part)
    return _offset(moment, part)


def _fraction(moment: datetime, part: str) -> str:
    digits = f"{moment.microsecond * 1000:09d}"[: len(part) - 1].ljust(len(part) - 1, "0")
    if part[1] == "9":
        digits = digits.rstrip("0")
    return part[0] + digits if digits else ""


def _offset(moment: datetime, part: str) -> str:
    offset = moment.utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    if part[0] == "Z" and not seconds:
        return "Z"
    hours, minutes = divmod(abs(seconds) // 60, _MINUTES_AN_HOUR)
    sign = "-" if seconds < 0 else "+"
    rest = part[3:]
    written = {"": "", "00": f"{minutes:02d}", ":00": f":{minutes:02d}"}
    written |= {"0000": f"{minutes:02d}00", ":00:00": f":{minutes:02d}:00"}
    return f"{sign}{hours:02d}{written[rest]}"


def _twelve(moment: datetime) -> int:
    return moment.hour % 12 or 12


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "January": lambda moment: moment.strftime("%B"),
    "Jan": lambda moment: moment.strftime("%b"),
    "Monday": lambda moment: moment.strftime("%A"),
    "Mon": lambda moment: moment.strftime("%a"),
    "MST": zone_name,
    "002": lambda moment: f"{moment.timetuple().tm_yday:03d}",
    "__2": lambda moment: f"{moment.timetuple().tm_yday:3d}",
    "01": lambda moment: f"{moment.month:02d}",
    "1": lambda moment: str(moment.month),
    "02": lambda moment: f"{moment.day:02d}",
    "_2": lambda moment: f"{moment.day:2d}",
    "2": lambda moment: str(moment.day),
    "2006": lambda moment: f"{moment.year:04d}",
    "06": lambda moment: f"{moment.year % 100:02d}",
    "15": lambda moment: f"{moment.hour:02d}",
    "03": lambda moment: f"{_twelve(moment):02d}",
    "3": lambda moment: str(_twelve(moment)),
    "04": lambda moment: f"{moment.minute:02d}",
    "4": lambda moment: str(moment.minute),
    "05": lambda moment: f"{moment.second:02d}",
    "5": lambda moment: str(moment.second),
    "PM": lambda moment: "PM" if moment.hour >= 12 else "AM",  # noqa: PLR2004 (noon)
    "pm": lambda moment: "pm" if moment.hour >= 12 else "am",  # noqa: PLR2004 (noon)
}
