"""Runs `flyte-slack simulate` as a process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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
    """Run a simulation with this standard input and wait for its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *map(str, options)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def started(*options: str | Path) -> subprocess.Popen[str]:
    """Start a simulation with an open standard input."""
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *map(str, options)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
