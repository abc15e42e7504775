"""Commands whose standard output can't be written."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from tests.support.daemon_process import PROGRAM

COMMANDS = {
    "--version": 0,
    "--help": 0,
    "outbox list": 0,
    "journal list": 0,
    "pauses list": 0,
    "check": 2,
    "check --json": 2,
}


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    async with FileStorage(tmp_path / "state", SystemClock()).open():
        return tmp_path / "state"


def _run(directory: Path, arguments: Sequence[str], output: int) -> tuple[int, str]:
    """Exit status and standard error."""
    environment = {"PATH": os.environ["PATH"], "FLYTE_SLACK_BACKUP_DIR": str(directory)}
    done = subprocess.run(  # noqa: S603 - our own program
        [PROGRAM, *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=20,
        check=False,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_output_is_reported_in_one_line(directory: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        status, errors = _run(directory, command.split(), full.fileno())
    assert errors == "flyte-slack: can't write to standard output: No space left on device\n"
    assert status == (COMMANDS[command] or 1)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_without_a_reader_leaves_the_exit_status_alone(directory: Path, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        assert _run(directory, command.split(), pipe.fileno()) == (COMMANDS[command], "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_output_leaves_the_exit_status_alone(directory: Path, command: str) -> None:
    environment = {"PATH": os.environ["PATH"], "FLYTE_SLACK_BACKUP_DIR": str(directory)}
    closing = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", str(PROGRAM), *command.split()]
    done = subprocess.run(closing, stderr=subprocess.PIPE, env=environment, timeout=20, check=False, text=True)  # noqa: S603 - our own program
    assert (done.returncode, done.stderr) == (COMMANDS[command], "")
