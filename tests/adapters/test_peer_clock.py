"""The time by a server's clock."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.http.peer_clock import PeerClock
from adapters.http.session import open_session
from entrypoints.testing.manual_clock import ManualClock
from tests.support.scripted_http import Request, http_response, scripted_server

OURS = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
THEIRS = OURS - timedelta(seconds=90)
A_SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.virtual_time


def _dated(time: datetime, status: int = 200, **headers: str) -> bytes:
    return http_response(status, Date=format_datetime(time, usegmt=True), **headers)


async def _observe(clock: PeerClock, responses: Iterable[bytes]) -> None:
    """Lets the clock see these responses, all at the same moment."""
    remaining = list(responses)

    def respond(_request: Request) -> bytes:
        return remaining.pop(0)

    async with scripted_server(respond) as server, open_session(timeout_seconds=5, peer_clock=clock) as session:
        while remaining:
            async with session.get(server.url, allow_redirects=False) as response:
                await response.read()


async def test_before_the_first_response_it_is_our_own_time() -> None:
    assert PeerClock(ManualClock(OURS)).now() == OURS


async def test_a_response_tells_the_server_s_time() -> None:
    clock = PeerClock(ManualClock(OURS))
    await _observe(clock, [_dated(THEIRS)])
    assert abs(clock.now() - THEIRS) < A_SECOND


async def test_time_goes_on_after_a_response() -> None:
    clock = PeerClock(ManualClock(OURS))
    await _observe(clock, [_dated(THEIRS)])
    await asyncio.sleep(3600)
    assert abs(clock.now() - THEIRS - timedelta(hours=1)) < A_SECOND


async def test_a_step_of_our_own_clock_changes_nothing_after_a_response() -> None:
    own = ManualClock(OURS)
    clock = PeerClock(own)
    await _observe(clock, [_dated(THEIRS)])
    own.time += timedelta(days=1)
    assert abs(clock.now() - THEIRS) < A_SECOND


@pytest.mark.parametrize(
    "odd",
    [
        http_response(200),
        http_response(200, Date="Tue, 24 Nov 99999999999 11:59:37 GMT"),
        _dated(datetime(1970, 1, 1, tzinfo=UTC)),
        _dated(datetime(2999, 1, 1, tzinfo=UTC)),
        _dated(OURS - timedelta(days=1), Age="86400"),
        _dated(OURS - timedelta(days=1), status=502),
        _dated(OURS - timedelta(days=1), status=302),
    ],
    ids=["none", "no number", "too early", "too late", "cached", "a gateway's failure", "a redirect"],
)
async def test_a_response_that_does_not_tell_the_server_s_time_changes_nothing(odd: bytes) -> None:
    clock = PeerClock(ManualClock(OURS))
    await _observe(clock, [odd, odd, odd])
    assert clock.now() == OURS


@pytest.mark.parametrize("error", [timedelta(days=1), timedelta(days=-1)])
async def test_one_response_that_is_far_off_changes_nothing(error: timedelta) -> None:
    clock = PeerClock(ManualClock(OURS))
    await _observe(clock, [_dated(THEIRS), _dated(THEIRS), _dated(THEIRS + error)])
    assert abs(clock.now() - THEIRS) < A_SECOND


async def test_a_step_of_the_server_s_clock_is_followed_from_the_second_response_on() -> None:
    clock = PeerClock(ManualClock(OURS))
    await _observe(clock, [_dated(OURS)] * 3 + [_dated(THEIRS)] * 2)
    assert abs(clock.now() - THEIRS) < A_SECOND
