"""`flyte-slack simulate`: tries flows on this machine, between a simulated Slack and a simulated Flyte."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO, cast

import click

from domain.errors import StorageError
from entrypoints.config.issues import SettingsError
from entrypoints.exit_status import ExitStatus
from entrypoints.lint.loading import load_flow
from entrypoints.lint.packs import SLACK, Packs
from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.console.file_reloader import FileReloader
from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.output import Output, OutputFailed, PlainOutput, text_line
from entrypoints.simulation.console.repl import read_lines, run_lines
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.pack_settings import applicable
from entrypoints.simulation.sandbox import (
    SandboxConfig,
    loopback_sandbox,
    memory_sandbox,
    served_sandbox,
    slack_only_sandbox,
)
from entrypoints.simulation.workspaces.channels import ChannelSetup, parse_channel, shared_id, with_defaults
from entrypoints.terminal_text import printable

_SETTLE_SECONDS: Final = 10.0
"""The time limit for everything that a line triggers; a flow that triggers itself never settles."""
_NO_INPUT: Final = (
    "Standard input is empty, so there was nothing to simulate. Run it in a terminal (with Docker: docker run -it), "
    "pipe messages to it (echo hello | flyte-slack simulate), or connect a pack of your own with --serve."
)
_FOR_PACKS: Final = "A simulated Slack and Flyte for your own pack. In another terminal, before you start the pack:"
_FOR_APPS: Final = "A simulated Slack for your own app. In another terminal, before you start the app:"
_BOLT: Final = (
    'Bolt for Python: App(client=WebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]))',
    "Bolt for JavaScript: new App({..., clientOptions: {slackApiUrl: process.env.SLACK_API_URL}})",
)
"""How to point an app at an address other than Slack's."""
_TERMINAL_SETTLE_SECONDS: Final = 3.0
"""Less in a terminal, where people can continue meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """The options of the command line."""

    flows: Sequence[Path] = ()
    built_in: bool = False
    """Whether the built-in flows run besides `flows`. Without `flows` they always run."""
    packs: Sequence[Path] = ()
    channels: Sequence[str] = ()
    """Additional channels, as `#ops` or `#ops=C024BE91L`."""
    datastore: Path | None = None
    """A file with items of Flyte's datastore."""
    labels: str = ""
    in_memory: bool = False
    serve: bool = False
    slack_only: bool = False
    classic: bool = False
    deliver_to: str = ""
    slack_port: int = 0
    flyte_port: int = 0
    page_port: int | None = None
    """None: a free port in a terminal, with `serve` and with `slack_only`, otherwise no page."""
    record: Path | None = None
    replay: Path | None = None
    """A recording to replay before the first line of input."""
    explain: bool | None = None
    """None: only in a terminal."""
    log_level: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment's variables that change the settings of the pack."""

    @property
    def is_serving(self) -> bool:
        """Whether it serves another process, until it is interrupted."""
        return self.serve or self.slack_only


def simulate(options: SimulateOptions) -> ExitStatus:
    """Runs a simulation until the input ends, /quit, Ctrl-D, Ctrl-C or SIGTERM."""
    with Path(os.devnull).open("r+", encoding="utf-8") as devnull:
        # Python sets closed standard streams to None.
        sys.stdin, sys.stdout, sys.stderr = (stream or devnull for stream in (sys.stdin, sys.stdout, sys.stderr))
        try:
            config = _load_config(options)
        except InvalidDocument as error:
            click.echo(printable(str(error)), err=True)
            return ExitStatus.INVALID_SETTINGS
        stream = cast("TextIO", _CurrentStderr()) if options.log_level else devnull
        configure_logs(options.log_level or "error", stream=stream)
        return _run(_simulate(options, config))


class _CurrentStderr:
    """Forwards to the current `sys.stderr`, which prompt_toolkit replaces during a prompt."""

    def __getattr__(self, name: str) -> object:
        return getattr(sys.stderr, name)


def _load_config(options: SimulateOptions) -> SandboxConfig:
    """Reads the flows and packs. Raises InvalidDocument."""
    packs = [pack_from_file(path) for path in dict.fromkeys(options.packs)]
    settings = _settings(options)
    known = Packs(slack=settings.get("PACK_NAME", SLACK), scripts=packs)
    own = {path: _load_flow(path, known) for path in options.flows}
    built_in = map(flow_from_file, () if own and not options.built_in else sorted(BUILT_IN.iterdir()))
    flows = {flow.name: flow for flow in (*built_in, *own.values())}  # the user's own flows replace built-in ones
    has_page = options.is_serving or _is_terminal()
    return SandboxConfig(
        flows=list(flows.values()),
        flow_files={path: flow.name for path, flow in own.items()},
        packs=packs,
        channels=_channels(options.channels),
        datastore=datastore_from_file(options.datastore) if options.datastore else {},
        settings=settings,
        record=str(options.record or ""),
        classic=options.classic,
        deliver_to=options.deliver_to,
        slack_port=options.slack_port,
        flyte_port=options.flyte_port,
        page_port=0 if options.page_port is None and has_page else options.page_port,
    )


def _settings(options: SimulateOptions) -> Mapping[str, str]:
    labels = {"FLYTE_LABELS": options.labels} if options.labels else {}
    return applicable(options.variables) | labels


def _channels(given: Sequence[str]) -> Sequence[ChannelSetup]:
    try:
        channels = with_defaults(map(parse_channel, given))
    except ValueError as error:
        raise InvalidDocument(f"--channel: {error}") from error
    if shared := shared_id(channels):
        raise InvalidDocument(f"--channel: {shared}")
    return channels


def _load_flow(path: Path, packs: Packs) -> Flow:
    """Loads a flow, and prints its mistakes. Raises InvalidDocument."""
    flow, findings = load_flow(path, packs)
    for finding in findings:
        click.echo(printable(f"warning: {finding}"), err=True)
    return flow


def _run(simulation: Coroutine[None, None, ExitStatus]) -> ExitStatus:
    """Runs the simulation; an interrupt and a closed output are normal ends."""
    try:
        return asyncio.run(simulation)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitStatus.OK
    except Exception as error:
        causes = _causes(error)
        if all(isinstance(cause, SettingsError | InvalidDocument) for cause in causes):
            click.echo(printable("\n".join(map(str, causes))), err=True)
            return ExitStatus.INVALID_SETTINGS
        if any(isinstance(cause, BrokenPipeError) for cause in causes):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            return ExitStatus.OK
        if not all(isinstance(cause, OSError | StorageError) for cause in causes):
            raise
        click.echo(printable("\n".join(map(_describe, causes))), err=True)
        return ExitStatus.FAILED


def _describe(cause: BaseException) -> str:
    if isinstance(cause, OutputFailed):
        return f"flyte-slack: can't write to standard output: {cause.strerror}"
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        return f"a port is taken ({cause}): change or omit --slack-port, --flyte-port or --page-port"
    return str(cause)


def _causes(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in _causes(inner)]
    return [error]


async def _simulate(options: SimulateOptions, config: SandboxConfig) -> ExitStatus:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if options.is_serving:
        serving = slack_only_sandbox if options.slack_only else served_sandbox
        async with serving(config, report=_print_remark) as (sandbox, variables):
            _print_variables(variables, sandbox)
            await _run_console(options, config, sandbox)
            if not _is_terminal():
                await asyncio.Event().wait()  # until it is interrupted
            return ExitStatus.OK
    async with memory_sandbox(config) if options.in_memory else loopback_sandbox(config) as sandbox:
        status = await _run_console(options, config, sandbox)
    if reason := sandbox.recording.failure:
        click.echo(printable(f"--record: {options.record} is incomplete: {reason}"), err=True)
        return ExitStatus.FAILED
    return status


def _print_variables(variables: dict[str, str], sandbox: Sandbox) -> None:
    _print_remark(_FOR_APPS if sandbox.is_slack_only else _FOR_PACKS)
    for name, value in variables.items():
        _print(f"export {name}={value}")
    for remark in _BOLT if sandbox.is_slack_only else ():
        _print_remark(remark)
    _print_remark(f"Web page: {sandbox.page_url}")


def _print_remark(remark: str) -> None:
    _print(f"# {remark}")


def _print(line: str) -> None:
    PlainOutput(sys.stdout).write(text_line(line))


async def _run_console(options: SimulateOptions, config: SandboxConfig, sandbox: Sandbox) -> ExitStatus:
    """Prints events while input is read."""
    is_explained = _is_terminal() if options.explain is None else options.explain
    session = ConsoleSession(sandbox, _output(), Detail.ON if is_explained else Detail.OFF)
    if sandbox.page_url and not options.is_serving:
        session.write(f"Web page: {sandbox.page_url}")
    errors = _Errors(session)
    reloader = FileReloader(
        sandbox.flyte,
        config.flow_files,
        dict(zip(dict.fromkeys(options.packs), sandbox.scripted_packs, strict=True)),
        session.write,
        errors.report,
    )
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(session.printer.run(), name="print events"),
            tasks.create_task(reloader.run(), name="reload files"),
        ]
        if options.replay is not None:
            await _replay(options.replay, session)
        await _read_input(session, errors, may_be_empty=options.is_serving or options.replay is not None)
        for task in background:
            task.cancel()
    return ExitStatus.FAILED if errors.has_failed else ExitStatus.OK


async def _replay(recording: Path, session: ConsoleSession) -> None:
    from entrypoints.flow_tests.recordings.replay import Replay  # noqa: PLC0415 - only needed here
    from entrypoints.flow_tests.recordings.session import Session, read_recording  # noqa: PLC0415 - likewise

    labels = {channel.id: channel.label for channel in session.workspace.conversations()}
    replay = Replay(Session(read_recording(recording), labels), session)
    await replay.run(_SETTLE_SECONDS, lambda remark: session.write(remark, "remark"))


class _Errors:
    """Reports errors: in the conversation of a terminal, otherwise on standard error and by the exit status."""

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session
        self.has_failed = False

    def report(self, error: str) -> None:
        if _is_terminal():
            self._session.write(error, "bad")
        else:
            self.has_failed = True
            click.echo(printable(error), err=True)


async def _read_input(session: ConsoleSession, errors: _Errors, *, may_be_empty: bool) -> None:
    if _is_terminal():
        from entrypoints.simulation.console.terminal import run_terminal  # noqa: PLC0415 - not needed for a pipe

        await run_terminal(session, _TERMINAL_SETTLE_SECONDS)
        return
    had_input = await run_lines(session, read_lines(sys.stdin.fileno()), _SETTLE_SECONDS, errors.report)
    if not had_input and not may_be_empty:
        click.echo(_NO_INPUT, err=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _output() -> Output:
    if _is_terminal():
        from entrypoints.simulation.console.terminal import ColourOutput  # noqa: PLC0415 - not needed for a pipe

        return ColourOutput()
    return PlainOutput(sys.stdout)
