"""The program's entry point: handles signals from the start, before the other modules are loaded."""

import signal
import sys

from entrypoints.observability.standard_error import install_standard_error


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in ([], ["run"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _exit)
    install_standard_error()
    from entrypoints.cli.commands import main as command_line  # noqa: PLC0415 - slow to load; a signal may arrive meanwhile

    command_line()


def _exit(*_: object) -> None:
    """Exit at once: no work is in progress until the daemon installs its own handlers."""
    sys.exit(0)
