"""Slack's timestamps of messages, read as times."""

import re
from datetime import UTC, datetime, timedelta

_TIMESTAMP = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,6})[0-9]*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_ts(timestamp: str) -> datetime | None:
    """When a message with this `ts` was said (`1355517523.000005`: seconds, then a counter). None: it tells no time."""
    match = _TIMESTAMP.fullmatch(timestamp)
    if match is None:
        return None
    seconds, fraction = match.groups(default="")
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(fraction.ljust(6, "0")))
