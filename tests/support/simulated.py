"""Runs `flyte-slack simulate`: here, or as a process."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from unittest.mock import patch

from entrypoints.cli.commands import main
from tests.support.forked_process import ForkedProgram, forked_program
from tests.support.logs import restored_logging

_CODE = """
import signal
# A shell starts background jobs with SIGINT ignored, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from entrypoints.cli.commands import main
main(prog_name="flyte-slack")
"""
PROGRAM = (sys.executable, "-c", _CODE, "simulate")


def simulate(
    typed: str, *options: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a simulation with this standard input to its end, as a process would but within this one."""
    arguments = ["simulate", *map(str, options)]
    output, errors = StringIO(), StringIO()
    with TemporaryFile("w+", encoding="utf-8") as entered, restored_logging():
        entered.write(typed)
        entered.seek(0)
        with (
            patch.object(sys, "stdin", entered),
            patch.dict(os.environ, environment or {}),
            redirect_stdout(output),
            redirect_stderr(errors),
        ):
            status = _exit_status(arguments)
    return subprocess.CompletedProcess(arguments, status, output.getvalue(), errors.getvalue())


def started(*options: str | Path) -> AbstractContextManager[ForkedProgram]:
    """Runs a simulation with an open standard input in a process of its own."""
    return forked_program(os.environ, "simulate", *map(str, options))


def _exit_status(arguments: Sequence[str]) -> int:
    try:
        main(arguments, prog_name="flyte-slack")
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("the program goes on")
