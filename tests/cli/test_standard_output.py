"""Commands whose standard output can't be written."""

import os
import subprocess
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from tests.support.daemon_process import PROGRAM
from tests.support.forked_process import run_forked

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


def _run(directory: Path, command: str, output: int | None) -> tuple[int, str]:
    """Exit status and standard error."""
    done = run_forked({"FLYTE_SLACK_BACKUP_DIR": str(directory)}, *command.split(), stdout=output)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_output_is_reported_in_one_line(directory: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        status, errors = _run(directory, command, full.fileno())
    assert errors == "flyte-slack: can't write to standard output: No space left on device\n"
    assert status == (COMMANDS[command] or 1)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_without_a_reader_leaves_the_exit_status_alone(directory: Path, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        assert _run(directory, command, pipe.fileno()) == (COMMANDS[command], "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_output_leaves_the_exit_status_alone(directory: Path, command: str) -> None:
    assert _run(directory, command, None) == (COMMANDS[command], "")


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        ("> /dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("| true", "Broken pipe"),
    ],
)
def test_a_backup_that_is_not_written_to_its_end_has_failed(directory: Path, redirection: str, reason: str) -> None:
    done = _shell(directory, f'"$0" storage backup - {redirection}; exit ${{PIPESTATUS[0]}}')
    assert done.stderr == f"flyte-slack storage: can't write the backup to standard output: {reason}\n"
    assert done.returncode == 1


def test_nothing_is_restored_from_a_closed_input(directory: Path) -> None:
    done = _shell(directory, '"$0" storage restore - <&-')
    assert done.stderr == "flyte-slack storage: standard input is closed; name the backup's FILE\n"
    assert done.returncode == 1


def _shell(directory: Path, line: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "FLYTE_SLACK_BACKUP_DIR": str(directory)}
    return subprocess.run(  # noqa: S603 - our own program
        ["/bin/bash", "-c", line, str(PROGRAM)],
        stderr=subprocess.PIPE,
        env=environment,
        timeout=20,
        check=False,
        text=True,
    )
