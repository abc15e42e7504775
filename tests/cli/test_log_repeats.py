"""Lines that say the same again and again are limited."""

import asyncio
import io
import json
import logging
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
import structlog

from entrypoints.observability.logs import configure_logs
from entrypoints.observability.repeats import RepeatLimiter

log = structlog.get_logger()

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_warning_is_logged_ten_times_a_minute_and_then_counted(stream: io.StringIO) -> None:
    repeats = configure_logs("info", stream=stream)

    for attempt in range(250):
        log.warning("chat_out_of_reach", reason=f"attempt {attempt}")
    log.warning("another")
    repeats.report()
    repeats.report()

    events = [line["event"] for line in lines(stream)]
    assert events == ["chat_out_of_reach"] * 10 + ["another", "lines_left_out"]
    assert lines(stream)[-1] | {"timestamp": ""} == {
        "timestamp": "",
        "level": "warning",
        "event": "lines_left_out",
        "of": "chat_out_of_reach",
        "count": 240,
    }


def test_errors_that_announce_another_attempt_and_lines_of_libraries_are_limited_too(stream: io.StringIO) -> None:
    configure_logs("info", stream=stream)

    for attempt in range(30):
        log.error("storage_unavailable", reason="disk full", again_in_seconds=attempt)
        logging.getLogger("some.library").error("failed for the %dth time", attempt)
        log.info("throttled", channel="C1")

    assert len(lines(stream)) == 30


def test_the_pauses_of_each_channel_are_limited_by_themselves(stream: io.StringIO) -> None:
    repeats = configure_logs("info", stream=stream)

    for number in range(60):
        log.info("throttled", channel=f"C{number % 4}")
        log.warning("throttled", method=f"method{number % 2}")
    repeats.report()

    told = [line.get("channel") or line.get("method") for line in lines(stream) if line["event"] == "throttled"]
    assert Counter(told) == dict.fromkeys(("C0", "C1", "C2", "C3", "method0", "method1"), 10)
    assert [(line["of"], line["count"]) for line in lines(stream) if line["event"] == "lines_left_out"] == [
        ("throttled", 60)
    ]


def test_every_line_about_an_entry_is_logged(stream: io.StringIO) -> None:
    configure_logs("info", stream=stream)

    for number in range(30):
        log.info("message_delivered", key=number)
        log.error("message_set_aside", key=number)
        log.warning("action_concluded", code="is_archived")

    assert len(lines(stream)) == 90


def test_the_limit_of_repeats_starts_anew_each_minute() -> None:
    now = 0.0
    repeats = RepeatLimiter(lambda: now)

    def passes() -> bool:
        with suppress(structlog.DropEvent):
            return bool(repeats(None, "warning", {"event": "again"}))
        return False

    assert [passes() for _ in range(12)] == [True] * 10 + [False] * 2
    now = 59.0
    assert not passes()
    now = 60.0
    assert passes()


@pytest.mark.virtual_time
async def test_left_out_lines_are_reported_each_minute_and_at_the_end(stream: io.StringIO) -> None:
    repeats = configure_logs("info", stream=stream)
    async with repeats.reporting():
        for _ in range(20):
            log.warning("again")
        await asyncio.sleep(61)
        assert lines(stream)[-1]["count"] == 10
        for _ in range(3):
            log.warning("again")
    assert [line["count"] for line in lines(stream) if line["event"] == "lines_left_out"] == [10, 3]
