"""The `Date` header of responses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Returns the server's time in whole seconds; None without a valid and plausible header.

    `headers` must be case-insensitive.
    """
    try:
        time = parsedate_to_datetime(headers.get("Date", ""))
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except Exception:  # noqa: BLE001 - the parser raises various exceptions for odd texts, OverflowError among them
        return None
    return time if _EARLIEST <= time < _LATEST else None
