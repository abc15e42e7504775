"""The program's entry point: handles signals from the start, before the other modules are loaded."""

import signal
import sys
from collections.abc import Callable

from entrypoints.cli.standard_output import StandardOutput, discard_unwritten
from entrypoints.observability.standard_error import install_standard_error


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in ([], ["run"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _exit)
    install_standard_error()
    from entrypoints.cli.commands import main as command_line  # noqa: PLC0415 - slow to load; a signal may arrive meanwhile

    if sys.argv[1:2] == ["simulate"]:
        _run_until_output_fails(command_line)
    else:
        _run_to_the_end(command_line)


def _run_until_output_fails(command_line: Callable[[], None]) -> None:
    """For a command that runs for its output only, and handles its failure."""
    try:
        command_line()
    finally:
        discard_unwritten()


def _run_to_the_end(command_line: Callable[[], None]) -> None:
    """Exits with the command's own status; 1 instead of 0 if its output was lost."""
    output = StandardOutput()
    try:
        command_line()
    except SystemExit as end:
        if not output.finish():
            sys.exit(end.code or 1)
        raise


def _exit(*_: object) -> None:
    """Exit at once: no work is in progress until the daemon installs its own handlers."""
    sys.exit(0)
