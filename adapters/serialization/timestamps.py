"""Slack's message timestamps."""

import re
from datetime import UTC, datetime, timedelta

_TIMESTAMP = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,6})[0-9]*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_ts(timestamp: str) -> datetime | None:
    """Returns the time of a `ts` such as `1355517523.000005` (seconds, then a counter); None if it is invalid."""
    match = _TIMESTAMP.fullmatch(timestamp)
    if match is None:
        return None
    seconds, fraction = match.groups(default="")
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(fraction.ljust(6, "0")))
