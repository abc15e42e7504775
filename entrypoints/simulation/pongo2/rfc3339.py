"""Parses and formats RFC 3339 times as Go does."""

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def parse(text: str) -> datetime | None:
    """Returns the time, to the microsecond; None if the text isn't an RFC 3339 time."""
    try:
        return datetime.fromisoformat(text) if _RFC3339.fullmatch(text) else None
    except ValueError:
        return None


def format_utc(time: datetime) -> str:
    """Formats the time in UTC as the server does: to the millisecond, without trailing zeros."""
    utc = time.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"
