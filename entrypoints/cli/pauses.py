"""`flyte-slack pauses`: list and lift the pauses that Slack has asked for, beside a running pack or without one."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import click

from application.ports.storage import Storage
from domain.channels import ChannelId
from entrypoints.cli.attached_storage import STORAGE_NOTE, run_on_storage
from entrypoints.terminal_text import escape_controls

_SUMMARY = "List or lift the pauses of channels that Slack has asked for."


def register_pauses(program: click.Group, environ: Mapping[str, str]) -> None:
    """Add the command to the program; `environ` names the storage."""
    group = click.Group("pauses", help=f"{_SUMMARY} {STORAGE_NOTE}", short_help=_SUMMARY)
    channels = click.Argument(["channels"], nargs=-1, metavar="[CHANNEL...]")
    every = click.Option(["--all", "every"], is_flag=True, help="Every paused channel.")
    run = partial(run_on_storage, "pauses", environ)
    group.add_command(
        click.Command("list", callback=partial(run, _list), help="List paused channels and how long they still wait.")
    )
    group.add_command(
        click.Command(
            "lift",
            callback=partial(run, _lift),
            params=[channels, every],
            help="Post to these channels again: the running pack does so within five seconds.",
        )
    )
    program.add_command(group)


async def _list(storage: Storage) -> None:
    paused = await storage.rate_limiter.paused()
    if not paused:
        click.echo("no channel is paused")
        return
    click.echo(f"{'channel':<14} {'seconds left':>12}")
    for channel_id, seconds in sorted(paused.items()):
        click.echo(f"{escape_controls(channel_id):<14} {math.ceil(seconds):>12}")


async def _lift(storage: Storage, *, channels: Sequence[str], every: bool) -> None:
    if bool(channels) == every:
        raise click.UsageError("give the channels whose pauses to lift, or --all")
    paused = await storage.rate_limiter.paused()
    named = sorted(paused) if every else [ChannelId(channel) for channel in channels]
    await storage.rate_limiter.lift([channel_id for channel_id in named if channel_id in paused])
    for channel_id in named:
        click.echo(f"{escape_controls(channel_id)}: {'lifted' if channel_id in paused else 'is not paused'}")
    if not named:
        click.echo("no channel is paused")
