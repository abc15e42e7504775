"""How long a server asks to wait before the next request, in any form."""

import math
from datetime import datetime
from typing import Final

from adapters.http.dates import parse_date
from domain.rate_limits import MAX_PAUSE_SECONDS

_DEFAULT_SECONDS: Final = 1.0
_FIRST_TIME_OF_DAY: Final = 1e9
"""Larger numbers are the time at which to ask again, in seconds since 1970."""


def retry_after_seconds(*values: object, now: datetime) -> float:
    """Returns the seconds to wait, at most an hour, by the first value that tells: a number, or a text as in HTTP.

    One second if no value tells. `now` is the server's time, with which a time of day is compared.
    """
    for value in values:
        seconds = _seconds(value, now)
        if seconds is not None:
            return min(seconds, MAX_PAUSE_SECONDS)
    return _DEFAULT_SECONDS


def _seconds(value: object, now: datetime) -> float | None:
    """Returns the seconds to wait, any number above 0; None for anything else, also for a time that is over."""
    seconds = _number(value)
    if seconds is None and isinstance(value, str):
        until = parse_date(value)
        seconds = (until - now).total_seconds() if until is not None else None
    elif seconds is not None and seconds >= _FIRST_TIME_OF_DAY:
        seconds -= now.timestamp()
    return seconds if seconds is not None and seconds > 0 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        return None
    return None if math.isnan(number) else number
