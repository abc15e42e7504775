"""`flyte-slack storage migrate`: bring a storage up to date without starting a pack."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import click

from adapters.storage_urls import create_storage
from application.ports.storage import Storage
from entrypoints.cli.attached_storage import STORAGE_NOTE, run_on_storage
from entrypoints.terminal_text import printable

_SUMMARY: Final = "Create or upgrade the tables of the storage."
_HELP: Final = f"""{_SUMMARY} {STORAGE_NOTE}

A pack does the same when it starts. The command is for a database in which the pack's own user may not create tables:
run it as the user that owns them, before the first start and before each upgrade. Exit status 0: the storage is up to
date; 1: refused or failed, with the reason; 2: invalid settings.
"""


def migration_command(environ: Mapping[str, str]) -> click.Command:
    """Returns the command; `environ` names the storage."""
    run = partial(run_on_storage, "storage", environ, _report, find=create_storage)
    return click.Command("migrate", callback=run, help=_HELP, short_help=_SUMMARY)


async def _report(storage: Storage) -> None:
    """Opening the storage has brought it up to date."""
    click.echo(printable(f"{storage.describe().location} is up to date"))
