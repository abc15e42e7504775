"""Reads and writes RFC 3339 times as Go does."""

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)


def parse(written: str) -> datetime | None:
    """The time that an RFC 3339 text writes, to the microsecond; None when it writes none."""
    found = _RFC3339.fullmatch(written)
    if found is None:
        return None
    *digits, fraction, sign, hours, minutes = found.groups()
    microseconds = int((fraction or "0")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset) if offset else UTC
        year, month, day, hour, minute, second = map(int, digits)
        return datetime(year, month, day, hour, minute, second, microseconds, zone)
    except ValueError:
        return None


def format_utc(moment: datetime) -> str:
    """The time in UTC as the server answers it: to the millisecond, without zeros at the end."""
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"
