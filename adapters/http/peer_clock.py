"""The time by the clock of a server."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from statistics import median_low
from typing import Final

from adapters.http.dates import server_time
from application.loop_time import loop_time
from application.ports.clock import Clock

_LATEST_RESPONSES: Final = 3
_HALF_A_SECOND: Final = 0.5
"""Servers truncate their time to whole seconds: on average it was this much later."""


class PeerClock:
    """Tells the time by a server's clock, as far as the `Date` of its responses has told.

    From the first response on the event loop's time counts, whatever happens to the pack's own clock, which serves
    until then. The median of the latest responses applies: one that is far off, such as a proxy's, changes nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origins: deque[float] = deque(maxlen=_LATEST_RESPONSES)
        """The Unix time at which the event loop's time was zero, by each of the latest responses."""

    def now(self) -> datetime:
        """Returns the current time, in UTC."""
        if not self._origins:
            return self._clock.now()
        return datetime.fromtimestamp(median_low(self._origins) + loop_time(), UTC)

    def ahead(self) -> timedelta:
        """Returns how far the pack's own clock is ahead of the server's."""
        return self._clock.now() - self.now()

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Learns the time from a response."""
        time = server_time(headers)
        if time is not None and _is_from_server(status) and not _is_cached(headers):
            self._origins.append(time.timestamp() + _HALF_A_SECOND - loop_time())


def _is_from_server(status: int) -> bool:
    """Redirects and failures are often a gateway's, and the response to a handshake is the socket's."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _is_cached(headers: Mapping[str, str]) -> bool:
    return headers.get("Age", "0").strip() != "0"
