"""Logs: their two formats, their sources, and the secrets kept out of them."""

import asyncio
import io
import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from entrypoints.observability.logs import configure_logs, log_unhandled_errors
from entrypoints.observability.standard_error import open_unfailing
from entrypoints.terminal_text import escape_controls, escape_controls_of_yaml

log = structlog.get_logger()

pytestmark = pytest.mark.usefixtures("restored_logging")


class Terminal(io.TextIOWrapper):
    """A stream that claims to be a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True

    def output(self) -> str:
        self.seek(0)
        return self.read()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def fail(message: str) -> None:
    raise ValueError(message)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_event_and_fields(stream: io.StringIO) -> None:
    configure_logs("info", stream=stream)

    log.info("action_done", command="SendMessage", seconds=0.25)

    (line,) = lines(stream)
    assert list(line) == ["timestamp", "level", "event", "command", "seconds"]
    assert line["timestamp"].endswith("Z")
    assert line | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "event": "action_done",
        "command": "SendMessage",
        "seconds": 0.25,
    }


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", "debug info warning error"),
        ("info", "info warning error"),
        ("warning", "warning error"),
        ("error", "error"),
    ],
)
def test_lines_below_the_level_are_omitted(level: str, events: str, stream: io.StringIO) -> None:
    configure_logs(level, stream=stream)
    library = logging.getLogger("some.library")

    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(name)
        getattr(library, name)(name)

    assert " ".join(line["event"] for line in lines(stream)[::2]) == events
    assert " ".join(line["event"] for line in lines(stream)[1::2]) == events


def test_standard_library_logs_are_redirected(stream: io.StringIO) -> None:
    configure_logs("info", secrets=["hush"], stream=stream)

    logging.getLogger("some.library").warning("sent %s to %d", "hush", 3)

    (line,) = lines(stream)
    assert (line["level"], line["event"], line["logger"]) == ("warning", "sent *** to 3", "some.library")


def test_python_warnings_are_logged(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logs("info", stream=stream)
        warnings.warn("deprecated call", DeprecationWarning, stacklevel=1)

    (line,) = lines(stream)
    assert line["logger"] == "py.warnings"
    assert "deprecated call" in line["event"]


def test_the_slack_library_does_not_log_whole_responses(stream: io.StringIO) -> None:
    configure_logs("debug", stream=stream)

    logging.getLogger("slack_sdk.web.async_base_client").debug("a body with everything in it")

    assert lines(stream) == []


def test_the_database_library_does_not_log_each_lost_connection(stream: io.StringIO) -> None:
    configure_logs("debug", stream=stream)

    logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1': connection refused")

    assert lines(stream) == []


def test_a_custom_level_is_logged_as_the_next_lower_one(stream: io.StringIO) -> None:
    configure_logs("debug", stream=stream)

    logging.getLogger("some.library").log(5, "too detailed")
    logging.getLogger("some.library").log(25, "between")
    logging.getLogger("some.library").log(50, "critical")

    assert [(line["level"], line["event"]) for line in lines(stream)] == [("info", "between"), ("error", "critical")]


def test_configuring_again_does_not_duplicate_lines(stream: io.StringIO) -> None:
    configure_logs("info", stream=io.StringIO())
    configure_logs("info", stream=stream)

    log.info("ours")
    logging.getLogger("some.library").warning("theirs")

    assert [line["event"] for line in lines(stream)] == ["ours", "theirs"]


def test_fields_contain_no_secret(stream: io.StringIO) -> None:
    configure_logs("debug", secrets=["token_abc", "p/ss"], stream=stream)

    log.info("token_abc", a={"token_abc": ["https://me:p%2Fss@host/"]}, b=ValueError("p/ss"), url="wss://x/?ticket=42")
    structlog.contextvars.bind_contextvars(action="token_abc")
    try:
        log.info("with context")
    finally:
        structlog.contextvars.clear_contextvars()

    assert "***" in stream.getvalue()
    for secret in ("token_abc", "p/ss", "p%2Fss", "=42"):
        assert secret not in stream.getvalue()


def test_tracebacks_contain_no_secret(stream: io.StringIO) -> None:
    configure_logs("info", secrets=["token_abc"], stream=stream)

    try:
        fail("refused: token_abc")
    except ValueError:
        log.exception("failed")
        logging.getLogger("some.library").exception("failed there too")

    assert [line["exception"].splitlines()[-1] for line in lines(stream)] == ["ValueError: refused: ***"] * 2


def test_foreign_text_cannot_forge_a_line(stream: io.StringIO) -> None:
    configure_logs("info", stream=stream)

    log.info("heard", who='x\n{"event": "forged"}\u2028\x1b[2J\x7f\ud800')

    (text,) = stream.getvalue().splitlines()
    assert text.isascii()
    assert text.isprintable()


def test_a_closed_log_stream_raises_no_error() -> None:
    stream = io.StringIO()
    configure_logs("info", stream=stream)
    stream.close()

    log.info("lost")

    assert stream.closed


def test_a_terminal_gets_readable_lines() -> None:
    terminal = Terminal()
    configure_logs("info", stream=terminal)

    log.warning("unhealthy", check="slack", status="out of reach", seconds=3, channels=["C1"], empty="")

    (line,) = terminal.output().splitlines()
    assert line[8:] == (
        ' \x1b[33mwarning \x1b[0m unhealthy check=slack status="out of reach" seconds=3 channels=["C1"] empty=""'
    )


def test_foreign_text_cannot_control_a_terminal() -> None:
    terminal = Terminal()
    configure_logs("info", stream=terminal)

    log.info("heard", name="\x1b[2J\x9b\u202e", words="a\nb é")

    assert terminal.output()[8:] == (' \x1b[32minfo    \x1b[0m heard name=\\u001b[2J\\u009b\\u202e words="a\\nb é"\n')


def test_invisible_characters_are_shown_as_escapes_unless_scripts_or_emoji_need_them() -> None:
    invisible = "\ufeff\u00ad\u200b\u2060\u2064\u180e\ufff9\U000e0001\U000e0041\U000e007f\U0001d173"

    escaped = escape_controls(invisible)

    assert escaped.isascii()
    assert json.loads(f'"{escaped}"') == invisible
    assert yaml.safe_load(f'"{escape_controls_of_yaml(invisible)}"') == invisible
    assert (
        escape_controls("\U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c\u062e")
        == "\U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c\u062e"
    )


def test_a_terminal_gets_the_traceback_indented_below_its_line() -> None:
    terminal = Terminal()
    configure_logs("info", secrets=["hush"], stream=terminal)

    try:
        fail("hush\n12:00:00 info     forged \x1b[2J")
    except ValueError:
        log.exception("failed")

    first, *rest = terminal.output().splitlines()
    assert first.endswith("failed")
    assert all(line.startswith("    ") for line in rest)
    assert rest[-2:] == ["    ValueError: ***", "    12:00:00 info     forged \\u001b[2J"]


def test_a_terminal_gets_escapes_for_characters_outside_its_encoding() -> None:
    terminal = Terminal("ascii")
    configure_logs("info", stream=terminal)

    log.info("heard", name="é")

    assert "name=\\xe9" in terminal.output()


async def test_errors_of_callbacks_are_logged_without_their_arguments(stream: io.StringIO) -> None:
    configure_logs("info", secrets=["hush"], stream=stream)
    loop = asyncio.get_running_loop()
    log_unhandled_errors(loop)

    argument = "a message text"
    loop.call_soon(lambda _: fail("hush"), argument)
    after = asyncio.Event()
    loop.call_soon(after.set)
    await after.wait()

    (line,) = lines(stream)
    assert line["event"] == "error_in_event_loop"
    assert line["exception"].endswith("ValueError: ***")
    assert "a message text" not in stream.getvalue()


async def test_an_error_names_its_task(stream: io.StringIO) -> None:
    configure_logs("info", stream=stream)
    loop = asyncio.get_running_loop()
    log_unhandled_errors(loop)
    task = asyncio.create_task(asyncio.Event().wait(), name="relay")

    loop.call_exception_handler({"message": "Task was destroyed but it is pending!", "task": task})
    task.cancel()

    assert [(line["task"], line["message"]) for line in lines(stream)] == [
        ("relay", "Task was destroyed but it is pending!")
    ]


def test_a_faulty_call_of_a_library_is_logged_and_raises_no_error(stream: io.StringIO) -> None:
    logging.getLogger().handlers.clear()  # pytest's own would raise
    configure_logs("info", stream=stream)

    logging.getLogger("some.library").warning("%d", "one")

    assert [line["event"] for line in lines(stream)] == ["%d"]


def test_a_standard_error_that_nobody_reads_drops_lines_and_recovers() -> None:
    reading, writing = os.pipe()
    stream = open_unfailing(writing)
    for _ in range(3):
        stream.write("x" * 100_000 + "\n")
    received = os.read(reading, 1_000_000)
    stream.write("after\n")

    assert 4096 <= len(received) < 100_000
    assert os.read(reading, 1_000_000) == b"\nafter\n"
    os.close(reading)
    stream.write("nobody is left\n")
    stream.flush()
    os.close(writing)


def test_a_full_disk_raises_no_error() -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        stream = open_unfailing(full.fileno())
        stream.write("lost\n")
        stream.flush()
