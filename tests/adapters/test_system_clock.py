"""The system clock. The virtual clock is tested with the flow tests that run on it."""

from datetime import UTC, datetime, timedelta

from adapters.system_clock import SystemClock


def test_the_system_clock_tells_the_time_in_utc() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_system_clocks_seconds_only_grow() -> None:
    clock = SystemClock()
    seconds = [clock.monotonic() for _ in range(100)]

    assert seconds == sorted(seconds)
