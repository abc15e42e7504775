"""The `Date` header of responses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Returns the server's time in whole seconds; None without a valid header. `headers` must be case-insensitive."""
    try:
        time = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
