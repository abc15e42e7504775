"""Runs an operator's command on the storage of a pack, which may be running."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import click

from adapters.storage_urls import attach_storage
from adapters.system_clock import SystemClock
from application.ports.storage import Storage
from domain.errors import StorageError
from entrypoints.config.settings import SettingsError, storage_url
from entrypoints.daemon import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.terminal_text import printable

STORAGE_NOTE: Final = "Reads the storage that FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR names."
_STORAGE_ADVICE: Final = "set FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR as for the pack"


def run_on_storage(
    name: str, environ: Mapping[str, str], function: Callable[..., Awaitable[None]], **options: object
) -> None:
    """Calls `function` with the open storage and the options. Exits with the reason if there is no such storage."""
    configure_logs("error")
    try:
        storage = attach_storage(storage_url(environ).reveal(), SystemClock())
        asyncio.run(_run(storage, function, options))
    except SettingsError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(ExitStatus.INVALID_SETTINGS)
    except (StorageError, ValueError) as error:
        advice = "" if "; " in str(error) else f"; {_STORAGE_ADVICE}"
        click.echo(printable(f"flyte-slack {name}: {error}{advice}"), err=True)
        sys.exit(ExitStatus.FAILED)


async def _run(storage: Storage, function: Callable[..., Awaitable[None]], options: Mapping[str, object]) -> None:
    async with storage.open():
        await function(storage, **options)
