"""Where the program begins: the daemon can be stopped before it has loaded the rest of itself."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in ([], ["run"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
    from entrypoints.cli.commands import main as command_line  # noqa: PLC0415 - takes a while, in which somebody may stop it

    command_line()


def _end(*_: object) -> None:
    """There is no work in hand yet; once there is, the daemon heeds the signals itself."""
    sys.exit(0)
