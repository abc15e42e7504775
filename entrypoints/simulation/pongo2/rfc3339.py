"""Parses and formats RFC 3339 times as Go does."""

import re
from datetime import UTC, datetime
from typing import Final

from entrypoints.simulation.pongo2.values import PreciseTime

_RFC3339: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<hour>\d{1,2})(?P<time>:\d\d:\d\d)(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)",
    re.ASCII,
)
_LAST_HOUR: Final = 23
_DIGITS: Final = 9


def parse(text: str) -> datetime | None:
    """Returns the time, to the nanosecond; None if the text isn't an RFC 3339 time."""
    found = _RFC3339.fullmatch(text)
    if found is None or int(found["hour"]) > _LAST_HOUR:
        return None
    nanoseconds = int((found["fraction"] or "0")[:_DIGITS].ljust(_DIGITS, "0"))
    try:
        time = datetime.fromisoformat(f"{found['day']}T{found['hour']:0>2}{found['time']}{found['zone']}")
    except ValueError:
        return None
    return PreciseTime.create(time, nanoseconds)


def format_utc(time: datetime) -> str:
    """Formats the time in UTC as the server does: to the millisecond, without trailing zeros."""
    utc = time.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"
