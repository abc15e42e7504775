"""What systemd's journal gets from the pack."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from entrypoints.observability.logs import configure_logs
from tests.support.daemon_process import PROGRAM, fresh_daemon
from tests.support.logs import restored_logging

AS_A_SERVICE = ("/bin/sh", "-c", 'JOURNAL_STREAM=$(stat --dereference --format %d:%i /dev/stderr) exec "$0" "$@"')
"""Runs a program with the variable that systemd sets."""


@contextmanager
def journal() -> Iterator[tuple[TextIO, TextIO, str]]:
    """Both ends of a stream, and the variable that names it."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as lines, os.fdopen(writer, "w") as stream:
        status = os.fstat(writer)
        yield lines, stream, f"{status.st_dev}:{status.st_ino}"


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)]
)
def test_a_line_in_the_journal_begins_with_its_priority(level: str, priority: int) -> None:
    with restored_logging(), journal() as (lines, stream, name):
        configure_logs("debug", stream=stream, journal_stream=name)
        getattr(structlog.get_logger(), level)("something", text="a\nb")

        assert lines.readline().startswith(f'<{priority}>{{"timestamp": "')


def test_lines_elsewhere_have_no_priority(tmp_path: Path) -> None:
    """The variable is inherited by programs whose standard error was redirected."""
    with restored_logging(), journal() as (_, _, name), (tmp_path / "log").open("w+") as file:
        configure_logs("debug", stream=file, journal_stream=name)
        structlog.get_logger().error("something")
        file.seek(0)

        assert file.read().startswith('{"timestamp": "')


async def test_the_priority_of_each_invalid_setting_is_that_of_an_error() -> None:
    async with fresh_daemon({"FLYTE_API": "nowhere"}, str(PROGRAM), "run", program=AS_A_SERVICE) as pack:
        assert await pack.wait() == 2

    assert len(pack.other_lines) == 2
    assert all(line.startswith("<3>FLYTE_") for line in pack.other_lines)


async def test_a_pack_under_systemd_marks_its_lines() -> None:
    variables = {"FLYTE_API": "http://127.0.0.1:1", "FLYTE_SLACK_TOKEN": "xoxb-1", "FLYTE_SLACK_STORAGE": "memory:"}
    address = {"FLYTE_SLACK_HTTP_HOST": "192.0.2.1", "FLYTE_SLACK_API_URL": "http://127.0.0.1:1/api/"}
    async with fresh_daemon({**variables, **address}, str(PROGRAM), program=AS_A_SERVICE) as pack:
        assert await pack.wait() == 1

    assert {line[:3] for line in pack.other_lines} >= {"<6>", "<3>"}
    assert '"event": "pack_failed"' in pack.other_lines[-1]
