"""The `Date` header of an answer: what time the server thinks it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """When the server sent an answer with these headers (by names in any case), in whole seconds; None: untold."""
    try:
        time = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
