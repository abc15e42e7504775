"""`flyte-slack outbox` and `flyte-slack journal`: list, show, retry, discard and export entries.

Both work while a pack is running, which notices a change within seconds, and while none is.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import click

from application.ports.storage import Storage
from application.ports.work import ObservableStorage
from application.services.waits import Waits
from domain.json_values import JsonObject
from entrypoints.cli.attached_storage import STORAGE_NOTE, run_on_storage
from entrypoints.cli.queue_entries import QueueEntry, QueueView
from entrypoints.cli.running_pack import health_of_running_pack, posting_rate
from entrypoints.exit_status import ExitStatus
from entrypoints.terminal_text import escape_controls, printable

_DETAILS: Final = {
    "outbox": "A message waits for delivery, or was set aside because Flyte rejected it.",
    "journal": "An action is unfinished, or was set aside because Flyte rejected its result.",
}


def commands(name: str, summary: str, environ: Mapping[str, str]) -> click.Group:
    """Returns the group of commands, `outbox` or `journal`; `environ` names the storage."""
    group = click.Group(name, help=f"{summary} {_DETAILS[name]} {STORAGE_NOTE}")
    set_aside = click.Option(["--set-aside"], is_flag=True, help="Only entries that were set aside.")
    optional_keys = click.Argument(["keys"], nargs=-1, metavar="[KEY...]")
    keys = click.Argument(["keys"], nargs=-1, required=True, metavar="KEY...")
    every = click.Option(["--all", "every"], is_flag=True, help="Every entry that was set aside.")
    yes = click.Option(["--yes"], is_flag=True, help="Don't ask for confirmation.")
    key = click.Argument(["key"])
    as_json = click.Option(
        ["--json", "as_json"], is_flag=True, help="Print a JSON list of objects, with what each entry waits for."
    )
    for command, function, parameters, text in (
        ("list", _list, [set_aside, as_json], "List waiting entries, and for what they wait, then those set aside."),
        ("show", _show, [key], "Show one entry in full, message texts included."),
        ("retry", _retry, [optional_keys, every], "Queue entries that were set aside for delivery again."),
        ("discard", _discard, [keys, yes], "Delete entries for good: they will not be delivered."),
        ("export", _export, [set_aside], "Write entries in full as JSON lines."),
    ):
        callback = partial(_run, name, function, environ)
        group.add_command(click.Command(command, params=list(parameters), help=text, callback=callback))
    return group


def _run(name: str, function: Callable[..., Awaitable[None]], environ: Mapping[str, str], **options: object) -> None:
    async def work(storage: Storage) -> None:
        queue = storage.outbox if name == "outbox" else storage.journal
        waits = await _waits(storage, environ) if function is _list else None
        await function(QueueView(name, queue, waits), **options)

    run_on_storage(name, environ, work)


async def _waits(storage: Storage, environ: Mapping[str, str]) -> Waits:
    """Looks at what the packs on the storage are working on, and at the health of the one on this machine."""
    work = await storage.work() if isinstance(storage, ObservableStorage) else None
    is_worth_asking = work is None or work.packs
    health = await asyncio.to_thread(health_of_running_pack, environ) if is_worth_asking else {}
    return Waits(work, await storage.rate_limiter.paused(), health, **posting_rate(environ))


async def _list(view: QueueView, *, set_aside: bool, as_json: bool) -> None:
    now, count = datetime.now(UTC), 0
    async for entry in view.entries(set_aside=set_aside):
        age = timedelta(seconds=max(0, int((now - entry.since).total_seconds())))  # the clocks of machines differ
        if as_json:
            text = printable(json.dumps(_listed(entry, age), ensure_ascii=False))
            click.echo(("[" if not count else ",") + text, nl=False)
        else:
            if not count:
                click.echo(f"{'key':<32} {'channel':<14} {'age':>9}  state")
            click.echo(_line(entry, age))
        count += 1
    if as_json:
        click.echo("]" if count else "[]")
    elif not count:
        click.echo(f"no entries were set aside in the {view.name}" if set_aside else f"the {view.name} is empty")


def _line(entry: QueueEntry, age: timedelta) -> str:
    why = f"for {entry.wait.text}" if entry.wait else entry.reason
    key, channel, state = map(
        escape_controls, (entry.key, entry.channel, f"{entry.state}: {why}" if why else entry.state)
    )
    return f"{key:<32} {channel:<14} {age!s:>9}  {state}"  # an age is 0:04:05, or 3 days, 0:04:05


def _listed(entry: QueueEntry, age: timedelta) -> JsonObject:
    wait = entry.wait
    return {
        "key": entry.key,
        "channelId": entry.channel,
        "since": entry.since.isoformat(),
        "ageSeconds": int(age.total_seconds()),
        "state": entry.state,
        "setAsideBecause": entry.reason,
        "waitsFor": {"kind": wait.kind.value, "text": wait.text, "seconds": wait.seconds} if wait else None,
    }


async def _show(view: QueueView, *, key: str) -> None:
    (entry,) = await _find(view, [key])
    click.echo(printable(json.dumps(entry.details, indent=2, ensure_ascii=False)))


async def _export(view: QueueView, *, set_aside: bool) -> None:
    async for entry in view.entries(set_aside=set_aside):
        click.echo(printable(json.dumps(entry.details, ensure_ascii=False)))


async def _retry(view: QueueView, *, keys: Sequence[str], every: bool) -> None:
    if bool(keys) == every:
        raise click.UsageError("give the keys of the entries to retry, or --all")
    entries = await _find(view, keys)
    if every:
        entries = [entry async for entry in view.entries(set_aside=True)]
    for entry in entries:
        was_requeued = await view.requeue(entry)
        result = "queued again" if was_requeued else "was not set aside; nothing to do"
        click.echo(f"{escape_controls(entry.key)}: {result}")


async def _discard(view: QueueView, *, keys: Sequence[str], yes: bool) -> None:
    are_all_discarded = True
    for entry in await _find(view, keys):
        key = escape_controls(entry.key)
        if yes or click.confirm(f"discard {key} ({entry.state}) for good?"):
            was_discarded = await view.discard(entry)
            click.echo(f"{key}: {'discarded' if was_discarded else 'the pack is working on it; try again later'}")
            are_all_discarded &= was_discarded
    if not are_all_discarded:
        raise click.exceptions.Exit(ExitStatus.FAILED)


async def _find(view: QueueView, keys: Sequence[str]) -> Collection[QueueEntry]:
    """Returns each entry once, in the order of the keys. Raises click.UsageError for a key that is not there."""
    found = await view.find(keys)
    for key in keys:
        if key not in found:
            hint = f"`flyte-slack {view.name} list` shows the keys"
            raise click.UsageError(f"the {view.name} has no entry {escape_controls(key)}; {hint}")
    return {found[key].full_key: found[key] for key in keys}.values()
