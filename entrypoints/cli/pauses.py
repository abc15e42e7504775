"""`flyte-slack pauses`: list and lift the pauses that Slack has asked for, beside a running pack or without one."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import click

from application.ports.storage import Storage
from entrypoints.cli.attached_storage import STORAGE_NOTE, run_on_storage
from entrypoints.terminal_text import escape_controls

_NONE = "no channel is paused, and no method"


def commands(name: str, summary: str, environ: Mapping[str, str]) -> click.Group:
    """Returns the group of commands; `environ` names the storage."""
    group = click.Group(name, help=f"{summary} {STORAGE_NOTE}")
    names = click.Argument(["names"], nargs=-1, metavar="[NAME...]")
    every = click.Option(["--all", "every"], is_flag=True, help="Every pause.")
    run = partial(run_on_storage, name, environ)
    group.add_command(
        click.Command(
            "list", callback=partial(run, _list), help="List what is paused, and for how long it still waits."
        )
    )
    group.add_command(
        click.Command(
            "lift",
            callback=partial(run, _lift),
            params=[names, every],
            help="End the pauses of these channels and methods: a running pack goes on within five seconds.",
        )
    )
    return group


async def _list(storage: Storage) -> None:
    paused = await storage.rate_limiter.paused()
    if not paused:
        click.echo(_NONE)
        return
    click.echo(f"{'channel, method':<15} {'seconds left':>12}")
    for name, seconds in sorted(paused.items()):
        click.echo(f"{escape_controls(name):<15} {math.ceil(seconds):>12}")


async def _lift(storage: Storage, *, names: Sequence[str], every: bool) -> None:
    if bool(names) == every:
        raise click.UsageError("give the channels and methods whose pauses to lift, or --all")
    paused = await storage.rate_limiter.paused()
    named = sorted(paused) if every else names
    await storage.rate_limiter.lift([name for name in named if name in paused])
    for name in named:
        click.echo(f"{escape_controls(name)}: {'lifted' if name in paused else 'is not paused'}")
    if not named:
        click.echo(_NONE)
