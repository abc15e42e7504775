"""`flyte-slack outbox` and `flyte-slack journal`: see what waits and what was set aside, and decide about it.

They work beside a running pack, which notices within seconds, and where none runs.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click

from adapters.storage_urls import attach_storage
from application.ports.storage import Storage
from domain.errors import StorageError
from entrypoints.cli.queue_entries import Kept, Shelf, of_journal, of_outbox
from entrypoints.config.settings import SettingsError, storage_url
from entrypoints.daemon import ExitStatus
from entrypoints.observability.logs import configure_logs, printable

_SHELVES: dict[str, Callable[[Storage], Shelf]] = {"outbox": of_outbox, "journal": of_journal}
_ABOUT = {
    "outbox": "Messages on their way to Flyte: those that wait, and those that were set aside.",
    "journal": "Actions in hand: those not answered yet, and those whose answer was set aside.",
}


def add_to(program: click.Group, environ: Mapping[str, str]) -> None:
    """Give the program both commands; `environ` says where the storage is."""
    for name, about in _ABOUT.items():
        program.add_command(_group(name, about, environ))


def _group(name: str, about: str, environ: Mapping[str, str]) -> click.Group:
    group = click.Group(name, help=f"{about} For the storage of FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR.")
    only_aside = click.Option(["--set-aside"], is_flag=True, help="Only what was set aside.")
    keys = click.Argument(["keys"], nargs=-1, metavar="KEY...")
    every = click.Option(["--all", "every"], is_flag=True, help="All that were set aside.")
    yes = click.Option(["--yes"], is_flag=True, help="Don't ask.")
    key = click.Argument(["key"])
    for command, does, parameters, text in (
        ("list", _list, [only_aside], "List what waits and what was set aside, oldest first."),
        ("show", _show, [key], "Show one entry whole, with what was said in it."),
        ("retry", _retry, [keys, every], "Let what was set aside wait again."),
        ("discard", _discard, [keys, yes], "Drop entries for good: they will not be delivered."),
        ("export", _export, [only_aside], "Write entries as JSON lines, whole."),
    ):
        group.add_command(
            click.Command(command, params=list(parameters), help=text, callback=_callback(name, does, environ))
        )
    return group


@dataclass(frozen=True, slots=True)
class _Visit:
    """One look into a storage, at one of its shelves."""

    shelf: Shelf
    name: str

    async def found(self, key: str) -> Kept:
        """The entry of that key. UsageError when there is none."""
        async for kept in self.entries():
            if key in kept.names:
                return kept
        raise click.UsageError(
            f"there is no {printable(key)} in the {self.name}; `flyte-slack {self.name} list` shows all"
        )

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[Kept]:
        """What was set aside, and, unless only that is wanted, what waits before it."""
        if not set_aside:
            async for kept in self.shelf.entries(set_aside=False):
                yield kept
        async for kept in self.shelf.entries(set_aside=True):
            yield kept


def _callback(name: str, does: Callable[..., Awaitable[None]], environ: Mapping[str, str]) -> Callable[..., None]:
    def run(**options: object) -> None:
        configure_logs("error")
        try:
            asyncio.run(_visit(name, does, environ, options))
        except SettingsError as error:
            click.echo(str(error), err=True)
            sys.exit(ExitStatus.BAD_SETTINGS)
        except (StorageError, ValueError) as error:
            click.echo(f"flyte-slack {name}: {error}", err=True)
            sys.exit(ExitStatus.FAILED)

    return run


async def _visit(
    name: str, does: Callable[..., Awaitable[None]], environ: Mapping[str, str], options: dict[str, object]
) -> None:
    storage = attach_storage(storage_url(environ).reveal())
    async with storage.open():
        await does(_Visit(_SHELVES[name](storage), name), **options)


async def _list(visit: _Visit, *, set_aside: bool) -> None:
    now, count = datetime.now(UTC), 0
    async for kept in visit.entries(set_aside=set_aside):
        if not count:
            click.echo(f"{'key':<32} {'channel':<14} {'age':>9}  state")
        count += 1
        state = kept.state + (f": {kept.reason}" if kept.reason else "")
        click.echo(
            f"{printable(kept.key):<32} {printable(kept.channel):<14} {_age(now - kept.since):>9}  {printable(state)}"
        )
    if not count:
        click.echo(f"nothing {'was set aside' if set_aside else 'waits'} in the {visit.name}")


async def _show(visit: _Visit, *, key: str) -> None:
    click.echo(json.dumps((await visit.found(key)).whole, indent=2, ensure_ascii=False))


async def _export(visit: _Visit, *, set_aside: bool) -> None:
    async for kept in visit.entries(set_aside=set_aside):
        click.echo(json.dumps(kept.whole, ensure_ascii=False))


async def _retry(visit: _Visit, *, keys: Sequence[str], every: bool) -> None:
    if bool(keys) == every:
        raise click.UsageError("name the keys to retry, or say --all")
    wanted = [await visit.found(key) for key in keys]
    if every:
        wanted = [kept async for kept in visit.entries(set_aside=True)]
    for kept in wanted:
        was_done = await visit.shelf.revive(kept)
        click.echo(f"{printable(kept.key)}: {'waits again' if was_done else 'was not set aside; nothing to do'}")


async def _discard(visit: _Visit, *, keys: Sequence[str], yes: bool) -> None:
    if not keys:
        raise click.UsageError("name the keys to discard")
    wanted = [await visit.found(key) for key in keys]
    for kept in wanted:
        if yes or click.confirm(f"discard {printable(kept.key)} ({kept.state}) for good?"):
            was_done = await visit.shelf.discard(kept)
            click.echo(f"{printable(kept.key)}: {'discarded' if was_done else 'is in hand at the moment; try again'}")


def _age(span: timedelta) -> str:
    """How long ago, to the second: `0:04:05`, `3 days, 0:04:05`."""
    return str(timedelta(seconds=int(span.total_seconds())))
