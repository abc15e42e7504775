"""`flyte-slack simulate`: a conversation with flows on one machine, with no Slack and no Flyte."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, cast

import click

from domain.errors import StorageError
from entrypoints.config.settings import SettingsError
from entrypoints.daemon import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.console.flow_reloader import FlowReloader
from entrypoints.simulation.console.formatter import Detail, EventFormatter
from entrypoints.simulation.console.output import CurrentStream, Output, PlainOutput
from entrypoints.simulation.console.repl import read_lines, run_lines
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.console.story import EventPrinter
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox, memory_sandbox, served_sandbox

_SETTLE_SECONDS: Final = 10.0
"""For all that follows from one line; a flow that answers itself has no end."""
_TERMINAL_SETTLE_SECONDS: Final = 3.0
"""In a terminal one can go on meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What was asked for on the command line."""

    flows: Sequence[Path] = ()
    packs: Sequence[Path] = ()
    labels: str = ""
    in_memory: bool = False
    serve: bool = False
    slack_port: int = 0
    flyte_port: int = 0
    page_port: int | None = None
    """None: a page on a free port for people, in a terminal or with `serve`; no page for a pipe."""
    record: Path | None = None
    replay: Path | None = None
    """A record to play, before anybody talks."""
    explain: bool | None = None
    """None: in a terminal."""
    log_level: str | None = None


def simulate(options: SimulateOptions) -> ExitStatus:
    """Hold a conversation until its end: the last line, /quit, Ctrl-D, Ctrl-C or SIGTERM."""
    with Path(os.devnull).open("r+", encoding="utf-8") as nowhere:
        # Closed ones are None to Python.
        sys.stdin, sys.stdout, sys.stderr = (stream or nowhere for stream in (sys.stdin, sys.stdout, sys.stderr))
        try:
            play = _load_config(options)
        except InvalidDocument as error:
            click.echo(str(error), err=True)
            return ExitStatus.INVALID_SETTINGS
        stream = cast("TextIO", CurrentStream("stderr")) if options.log_level else nowhere
        configure_logs(options.log_level or "error", stream=stream)
        return _run(_simulate(options, play))


def _load_config(options: SimulateOptions) -> SandboxConfig:
    """What is to be played. Raises InvalidDocument."""
    own = {path: flow_from_file(path) for path in options.flows}
    built_in = map(flow_from_file, sorted(BUILT_IN.iterdir()))
    flows = {flow.name: flow for flow in (*built_in, *own.values())}  # one's own in the place of a built-in one
    return SandboxConfig(
        flows=list(flows.values()),
        flow_files={path: flow.name for path, flow in own.items()},
        packs=[pack_from_file(path) for path in options.packs],
        labels=options.labels,
        record=str(options.record or ""),
        slack_port=options.slack_port,
        flyte_port=options.flyte_port,
        page_port=_page_port(options),
    )


def _page_port(options: SimulateOptions) -> int | None:
    """Where to serve the page; None: nowhere."""
    if options.page_port is None and (options.serve or _in_terminal()):
        return 0
    return options.page_port


def _run(simulation: Coroutine[None, None, ExitStatus]) -> ExitStatus:
    """Run it; being interrupted, and being read no more, are good ends."""
    try:
        return asyncio.run(simulation)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitStatus.OK
    except Exception as error:
        causes = _causes(error)
        if all(isinstance(cause, SettingsError | InvalidDocument) for cause in causes):
            click.echo("\n".join(map(str, causes)), err=True)
            return ExitStatus.INVALID_SETTINGS
        if any(isinstance(cause, BrokenPipeError) for cause in causes):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at exit
            return ExitStatus.OK
        if not all(isinstance(cause, OSError | StorageError) for cause in causes):
            raise
        click.echo("\n".join(map(_reason, causes)), err=True)
        return ExitStatus.FAILED


def _reason(cause: BaseException) -> str:
    """Why it can't go on: a port that is taken, a pack that is not ready in time."""
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        return f"a port is taken ({cause}): choose another --slack-port, --flyte-port or --page-port, or leave it out"
    return str(cause)


def _causes(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in _causes(inner)]
    return [error]


async def _simulate(options: SimulateOptions, play: SandboxConfig) -> ExitStatus:
    ending = asyncio.current_task()
    if ending is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.cancel)
    if options.serve:
        async with served_sandbox(play) as (stage, environment):
            click.echo("# A Slack and a Flyte for a pack of your own. Before you start it, in another terminal:")
            for name, value in environment.items():
                click.echo(f"export {name}={value}")
            click.echo(f"# The page: {stage.page_url}")
            await _run_console(options, play, stage)
            if not _in_terminal():
                await asyncio.Event().wait()  # until it is interrupted
            return ExitStatus.OK
    async with memory_sandbox(play) if options.in_memory else loopback_sandbox(play) as stage:
        return await _run_console(options, play, stage)


async def _run_console(options: SimulateOptions, play: SandboxConfig, stage: Sandbox) -> ExitStatus:
    """Tell what happens while somebody talks."""
    is_explained = _in_terminal() if options.explain is None else options.explain
    transcript = Transcript()
    narrator = EventFormatter(transcript, stage.flyte, Detail.ON if is_explained else Detail.OFF)
    story = EventPrinter(narrator, _output())
    conversation = ConsoleSession(stage, narrator, transcript, story)
    story.subscribe(stage)
    if stage.page_url and not options.serve:
        conversation.write(f"The page: {stage.page_url}")
    watch = FlowReloader(stage.flyte, play.flow_files, conversation.write)
    async with asyncio.TaskGroup() as tasks:
        helpers = [
            tasks.create_task(story.run(), name="tell the story"),
            tasks.create_task(watch.run(), name="watch flow files"),
        ]
        status = await _replay(options, conversation, story) or await _read_input(conversation, story)
        for helper in helpers:
            helper.cancel()
    return status


async def _replay(options: SimulateOptions, conversation: ConsoleSession, story: EventPrinter) -> ExitStatus:
    """Play the record that was asked for, if any."""
    if options.replay is None:
        return ExitStatus.OK
    from entrypoints.flow_tests.recordings.replay import Replay  # noqa: PLC0415 - only here
    from entrypoints.flow_tests.recordings.session import Session, read_recording  # noqa: PLC0415 - likewise

    replay = Replay(Session(read_recording(options.replay)), conversation, story)
    await replay.run(_SETTLE_SECONDS, lambda remark: conversation.write(remark, "remark"))
    return ExitStatus.OK


async def _read_input(conversation: ConsoleSession, story: EventPrinter) -> ExitStatus:
    if _in_terminal():
        from entrypoints.simulation.console.terminal import run_terminal  # noqa: PLC0415 - a pipe needs none of it

        await run_terminal(conversation, story, _TERMINAL_SETTLE_SECONDS)
        return ExitStatus.OK
    mistakes: list[str] = []

    def complain(mistake: str) -> None:
        mistakes.append(mistake)
        click.echo(mistake, err=True)

    await run_lines(conversation, story, read_lines(sys.stdin.fileno()), _SETTLE_SECONDS, complain)
    return ExitStatus.FAILED if mistakes else ExitStatus.OK


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _output() -> Output:
    if _in_terminal():
        from entrypoints.simulation.console.terminal import ColourOutput  # noqa: PLC0415 - likewise

        return ColourOutput()
    return PlainOutput(sys.stdout)
