"""`flyte-slack storage copy`: move to another storage."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Final

import click

from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from application.ports.transfer import TransferableStorage
from application.services.storage_copy import StorageCopy
from domain.errors import StorageError
from entrypoints.cli.storage_backup import backup_command, restore_command
from entrypoints.cli.storage_migration import migration_command
from entrypoints.config.parsers import storage_url
from entrypoints.config.passwords import passwords_in
from entrypoints.exit_status import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.observability.redaction import Redactor
from entrypoints.terminal_text import printable

_COPY_HELP: Final = """Copy everything in the storage FROM to the storage TO, and mark FROM as moved.

FROM and TO are URLs as in FLYTE_SLACK_STORAGE, such as file:///var/lib/flyte-slack and
postgresql://user@host/database. Stop the packs on both first: both are locked until the end, and FROM refuses to start
a pack afterwards. TO must be empty, or hold what an interrupted run of the same command has left: the command can be
repeated after any interruption. Other users of this machine can see what is on a command line: keep the passwords of
databases in a file that PGPASSFILE names instead.

Exit status 0: all is copied, and the numbers agree; 1: refused or failed; 2: invalid arguments.
"""


def commands(name: str, summary: str, environ: Mapping[str, str]) -> click.Group:
    """Returns the group of commands; `environ` names the storage to bring up to date."""
    group = click.Group(name, help=summary)
    group.add_command(
        click.Command(
            "copy",
            callback=_copy,
            params=[click.Argument(["source"], metavar="FROM"), click.Argument(["target"], metavar="TO")],
            help=_COPY_HELP,
            short_help="Copy everything to another storage, and mark this one as moved.",
        )
    )
    for command in (backup_command(environ), restore_command(environ), migration_command(environ)):
        group.add_command(command)
    return group


def _copy(source: str, target: str) -> None:
    secrets = [*passwords_in(source), *passwords_in(target)]
    configure_logs("warning", secrets=secrets)
    storages = [_storage(name, url) for name, url in (("FROM", source), ("TO", target))]
    try:
        counts = asyncio.run(_run(*storages))
    except StorageError as error:
        click.echo(printable(Redactor(secrets).redact_text(f"flyte-slack storage: {error}")), err=True)
        sys.exit(ExitStatus.FAILED)
    _report(counts, *(storage.describe().location for storage in storages))


def _storage(name: str, url: str) -> TransferableStorage:
    """Raises UsageError if the URL names no storage that can be copied."""
    try:
        storage = create_storage(storage_url(url).reveal(), SystemClock())
    except ValueError as error:
        raise click.UsageError(printable(f"{name}: {error}")) from None
    if not isinstance(storage, TransferableStorage):
        raise click.UsageError(f"{name}: such a storage can't be copied")
    return storage


async def _run(source: TransferableStorage, target: TransferableStorage) -> Mapping[str, int]:
    is_hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label="copying", show_pos=True, file=sys.stderr, hidden=is_hidden) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        return await StorageCopy(source, target, show).run()


def _report(counts: Mapping[str, int], source: str, target: str) -> None:
    for kind, count in counts.items():
        click.echo(f"{kind:<18} {count:>12,}")
    click.echo(
        printable(
            f"{source} is marked as moved to {target}, with the same numbers of everything; set FLYTE_SLACK_STORAGE to "
            "the latter before the next start"
        )
    )
