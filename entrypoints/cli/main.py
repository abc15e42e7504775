"""The program's entry point: handles signals from the start, before the other modules are loaded."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module

from adapters.http.certificates import read_certificates, without_certificates
from entrypoints.cli.standard_output import StandardOutput, discard_unwritten
from entrypoints.observability.standard_error import install_standard_error


def main() -> None:
    """Runs the command line."""
    is_daemon = sys.argv[1:] in ([], ["run"])
    if is_daemon:
        gc.disable()  # until the daemon runs: loaded modules stay, and searching them for garbage takes time
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _exit)
    install_standard_error()
    if is_daemon:
        _load_libraries()
    from entrypoints.cli.commands import main as command_line  # noqa: PLC0415 - slow to load; a signal may arrive meanwhile

    if sys.argv[1:2] == ["simulate"]:
        _run_until_output_fails(command_line)
    else:
        _run_to_the_end(command_line)


def _load_libraries() -> None:
    """Imports three libraries without what they load and no pack uses, and starts to read the certificates.

    dependency-injector and structlog load PyYAML and rich where these are installed. aiohttp reads the certificates
    twice, which takes 100 ms.
    """
    unused = ("rich", "yaml")
    sys.modules.update(dict.fromkeys(unused))  # type: ignore[arg-type] # None makes the import of a module fail
    for name in ("dependency_injector.containers", "structlog"):
        import_module(name)
    for name in unused:
        del sys.modules[name]
    with without_certificates():
        import_module("aiohttp")
    read_certificates()


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
    """Ends the process at once: nothing is in progress until the daemon installs its own handlers.

    An exception would end up in whatever is being imported just then, and some extension modules don't survive that.
    """
    os._exit(0)
