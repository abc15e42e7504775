"""The program's entry point: handles signals from the start, before the other modules are loaded."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in ([], ["run"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _exit)
    from entrypoints.cli.commands import main as command_line  # noqa: PLC0415 - slow to load; a signal may arrive meanwhile

    command_line()


def _exit(*_: object) -> None:
    """Exit at once: no work is in progress until the daemon installs its own handlers."""
    sys.exit(0)
