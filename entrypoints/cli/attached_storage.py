"""Runs an operator's command on the storage of a pack, which may be running."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import click

from adapters.storage_urls import attach_storage
from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.ports.transfer import TransferableStorage
from domain.errors import StorageError
from entrypoints.config.issues import SettingsError
from entrypoints.config.passwords import passwords_in
from entrypoints.config.settings import storage_url
from entrypoints.exit_status import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.observability.redaction import Redactor
from entrypoints.terminal_text import printable

STORAGE_NOTE: Final = "Reads the storage that FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR names."
_STORAGE_ADVICE: Final = "set FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR as for the pack"


def run_on_storage(
    name: str,
    environ: Mapping[str, str],
    function: Callable[..., Awaitable[None]],
    *,
    find: Callable[[str, Clock], Storage] = attach_storage,
    **options: object,
) -> None:
    """Calls `function` with the open storage and the options. Exits with the reason if there is no such storage."""
    secrets: list[str] = []
    try:
        url = storage_url(environ).reveal()
        secrets = passwords_in(url)
        configure_logs("error", secrets=secrets)
        asyncio.run(_run(find(url, SystemClock()), function, options))
    except SettingsError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(ExitStatus.INVALID_SETTINGS)
    except (StorageError, ValueError) as error:
        advice = "" if "; " in str(error) else f"; {_STORAGE_ADVICE}"
        text = Redactor(secrets).redact_text(f"flyte-slack {name}: {error}{advice}")
        click.echo(printable(text), err=True)
        sys.exit(ExitStatus.FAILED)


async def _run(storage: Storage, function: Callable[..., Awaitable[None]], options: Mapping[str, object]) -> None:
    async with storage.open():
        if isinstance(storage, TransferableStorage) and (moved_to := (await storage.transfer.marks()).moved_to):
            click.echo(
                printable(f"these are old data: {storage.describe().location} was moved to {moved_to}"), err=True
            )
        await function(storage, **options)
