"""Dates in the headers of responses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

_EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4)
def parse_date(text: str) -> datetime | None:
    """Returns the time in a header; None for anything else.

    Cached, since the responses of a second bear the same one.
    """
    try:
        time = parsedate_to_datetime(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except Exception:  # noqa: BLE001 - the parser raises various exceptions for odd texts, OverflowError among them
        return None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Returns the time of the `Date` header in whole seconds; None without a valid and plausible one.

    `headers` must be case-insensitive.
    """
    time = parse_date(headers.get("Date", ""))
    return time if time is not None and _EARLIEST <= time < _LATEST else None
