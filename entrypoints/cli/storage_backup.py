"""`flyte-slack storage backup` and `flyte-slack storage restore`."""

import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click

from adapters.storage_urls import create_storage, is_postgresql
from adapters.system_clock import SystemClock
from application.ports.backups import BackedUpStorage, Backup
from domain.errors import StorageError, StorageUnavailable, StorageUnusable
from entrypoints.cli.attached_storage import STORAGE_NOTE
from entrypoints.cli.standard_output import complete_output
from entrypoints.config.issues import SettingsError
from entrypoints.config.passwords import passwords_in, without_passwords
from entrypoints.config.settings import storage_url
from entrypoints.exit_status import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.observability.redaction import Redactor
from entrypoints.terminal_text import printable

_STANDARD: Final = "-"
_STATUSES: Final = "Exit status 0: done; 1: refused or failed, with the reason; 2: invalid settings or arguments."
_BACKUP_SUMMARY: Final = "Write a backup, also beside a running pack."
_BACKUP_HELP: Final = f"""Write everything in the storage to FILE, also beside a running pack. {STORAGE_NOTE}

FILE appears complete or not at all, and only its owner can read it: it has the texts of messages. `-` is standard
output. For PostgreSQL, prints the command that makes a backup. {_STATUSES}
"""
_RESTORE_SUMMARY: Final = "Fill an empty storage from a backup."
_RESTORE_HELP: Final = f"""Fill the storage, which has to be empty, from the backup FILE. {STORAGE_NOTE}

Stop the pack first, and move away what is in its directory: nothing is mixed or overwritten. `-` is standard input. A
backup of an earlier version is brought up to date at the next start. For PostgreSQL, prints the commands to use.
{_STATUSES}
"""
PG_DUMP: Final = "pg_dump --schema=flyte_slack --format=custom --file={file} --dbname={url}"
PG_RESTORE: Final = """\
psql --dbname={url} --command='ALTER SCHEMA flyte_slack RENAME TO flyte_slack_before'
pg_restore --exit-on-error --single-transaction --dbname={url} {file}"""
_REPEATED: Final = (
    "At the next start, what waits in it is delivered and executed again, even if that has been done since the backup, "
    "and messages since then are not recognized. To see and discard what waits: `flyte-slack outbox list` and "
    "`flyte-slack journal list`."
)


def backup_command(environ: Mapping[str, str]) -> click.Command:
    """Returns the command; `environ` names the storage."""
    force = click.Option(["--force"], is_flag=True, help="Replace FILE if it exists.")
    return click.Command(
        "backup",
        callback=partial(_run, environ, _back_up, PG_DUMP),
        params=[_file(), force],
        help=_BACKUP_HELP,
        short_help=_BACKUP_SUMMARY,
    )


def restore_command(environ: Mapping[str, str]) -> click.Command:
    """Returns the command; `environ` names the storage."""
    return click.Command(
        "restore",
        callback=partial(_run, environ, _restore, PG_RESTORE),
        params=[_file()],
        help=_RESTORE_HELP,
        short_help=_RESTORE_SUMMARY,
    )


def _file() -> click.Argument:
    return click.Argument(["file"], metavar="FILE")


def _run(
    environ: Mapping[str, str], function: Callable[..., str], for_postgresql: str, *, file: str, **options: object
) -> None:
    """Calls `function` with the storage, and prints what it returns. Exits with the reason if that fails."""
    secrets: list[str] = []
    try:
        url = storage_url(environ).reveal()
        secrets = passwords_in(url)
        configure_logs("warning", secrets=secrets)
        if is_postgresql(url):
            _refuse(for_postgresql, url, file)
        said = function(_storage(url), file, **options)
    except SettingsError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(ExitStatus.INVALID_SETTINGS)
    except (StorageError, OSError) as error:
        text = Redactor(secrets).redact_text(f"flyte-slack storage: {error}")
        click.echo(printable(text), err=True)
        sys.exit(ExitStatus.FAILED)
    click.echo(printable(said), err=file == _STANDARD)


def _refuse(line: str, url: str, file: str) -> None:
    """Exits, with the line to type instead. The URL in it has no password."""
    name = "FILE" if file == _STANDARD else file
    command = line.format(file=shlex.quote(name), url=shlex.quote(without_passwords(url)))
    click.echo(f"flyte-slack storage: PostgreSQL has tools of its own for this; type\n{printable(command)}", err=True)
    sys.exit(ExitStatus.FAILED)


def _storage(url: str) -> BackedUpStorage:
    """Raises StorageUnusable for a storage of which this program makes no backups."""
    storage = create_storage(url, SystemClock())
    if not isinstance(storage, BackedUpStorage):
        raise StorageUnusable(
            "the storage is not a directory, so that this program can't back it up or restore it; use its own tools"
        )
    return storage


def _back_up(storage: BackedUpStorage, file: str, *, force: bool) -> str:
    if file != _STANDARD:
        return f"{file}: {_contents(storage.back_up(Path(file), replaces=force))}"
    if sys.stdout.isatty():
        raise click.UsageError("a backup is not for a terminal; write it to a file: ... storage backup - > FILE")
    try:
        with complete_output() as output:
            return _contents(storage.back_up_to(output))
    except OSError as error:
        raise StorageUnavailable(f"can't write the backup to standard output: {error.strerror}") from error


def _restore(storage: BackedUpStorage, file: str) -> str:
    if file == _STANDARD:
        if sys.stdin is None:
            raise StorageUnusable("standard input is closed; name the backup's FILE")
        return _restored(storage, storage.restore(sys.stdin.buffer))
    log = Path(f"{file}-wal")
    if log.exists() and log.stat().st_size:
        raise StorageUnusable(f"{log} lies beside {file}, which is a database in use and no backup")
    try:
        backup = Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise StorageUnusable(f"can't read {file}: {error.strerror}") from error
    with backup:
        return _restored(storage, storage.restore(backup))


def _restored(storage: BackedUpStorage, backup: Backup) -> str:
    when = f" of {backup.made_at:%Y-%m-%d %H:%M:%S} UTC" if backup.made_at else ""
    said = f"{storage.describe().location}: restored the backup{when}: {_contents(backup)}. {_REPEATED}"
    if backup.channels is None:
        said += " It has no list of joined channels: copy channels.json into the directory too."
    return said


def _contents(backup: Backup) -> str:
    channels = "" if backup.channels is None else f"{backup.channels:,} joined channels, "
    return f"{channels}{backup.messages:,} messages and {backup.actions:,} actions that wait or were set aside"
