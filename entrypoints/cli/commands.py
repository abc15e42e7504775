"""The command line: `flyte-slack run`, `simulate`, `check`, `lint`, `test`, and operators' commands on the storage."""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from entrypoints.config.issues import SettingsError
from entrypoints.config.parsers import LOG_LEVELS
from entrypoints.config.settings import load_settings
from entrypoints.exit_status import ExitStatus
from entrypoints.simulation_extra import missing_libraries_remark
from entrypoints.terminal_text import printable
from entrypoints.version import VERSION

_PATH: Final = click.Path(path_type=Path)
_PORT: Final = click.IntRange(0, 65535)
_OF_PACKS: Final = {
    "--serve": "serve",
    "--flow": "flows",
    "--built-in": "built_in",
    "--pack": "packs",
    "--datastore": "datastore",
    "--labels": "labels",
    "--in-memory": "in_memory",
    "--flyte-port": "flyte_port",
    "--record": "record",
    "--replay": "replay",
}
"""The options of `simulate` that make no sense without a pack and Flyte, with their names in the code."""
_OF_SOCKETS: Final = {"--slack-port": "slack_port", "--flyte-port": "flyte_port", "--page-port": "page_port"}
"""Those that make no sense without sockets."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="flyte-slack")
@click.pass_context
def main(context: click.Context) -> None:
    """The Slack pack for Flyte. Without a command, runs the pack."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@main.command(short_help="Run the pack until SIGTERM or SIGINT.")
def run() -> None:
    """Run the pack until SIGTERM or SIGINT.

    Environment variables configure it; `flyte-slack check` verifies them. Exit status 0: stopped by a signal; 1: a
    fatal error, which the last line of the log explains; 2: invalid settings.
    """
    journal_stream = os.environ.get("JOURNAL_STREAM", "")
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        from entrypoints.observability.journald import is_journal, with_priority  # noqa: PLC0415 - seldom needed

        text = printable(str(error))
        click.echo(with_priority(text, "error") if is_journal(sys.stderr, journal_stream) else text, err=True)
        sys.exit(ExitStatus.INVALID_SETTINGS)
    import uvloop  # noqa: PLC0415 - not needed by other commands

    from entrypoints.container.daemon import Daemon  # noqa: PLC0415 - likewise
    from entrypoints.daemon import run_daemon  # noqa: PLC0415 - likewise
    from entrypoints.observability.logs import configure_logs  # noqa: PLC0415 - likewise

    repeats = configure_logs(settings.log_level, secrets=settings.secret_texts, journal_stream=journal_stream)
    sys.exit(uvloop.run(run_daemon(Daemon(settings=settings), repeats)))


class _SimulationCommand(click.Command):
    """A command that needs the extra `simulation`."""

    def invoke(self, context: click.Context) -> Any:
        """Runs the command, or exits with status 1 and what to install."""
        if remark := missing_libraries_remark(context.command_path):
            click.echo(remark, err=True)
            sys.exit(ExitStatus.FAILED)
        return super().invoke(context)


def _check_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Accepts a URL of HTTP, or none at all."""
    try:
        address = urlsplit(value)
        is_valid = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        is_valid = False
    if value and not is_valid:
        raise click.BadParameter("not a URL such as http://127.0.0.1:8090/slack/events")
    return value


@main.command(cls=_SimulationCommand, short_help="Try flows on this machine, without Slack and Flyte.")
@click.option("--flow", "flows", multiple=True, type=_PATH, help="A flow file to load; repeatable.")
@click.option("--built-in", is_flag=True, help="Run the built-in flows besides those of --flow.")
@click.option("--pack", "packs", multiple=True, type=_PATH, help="A scripted pack to run; repeatable.")
@click.option("--channel", "channels", multiple=True, metavar="#NAME[=ID]", help="A channel to join; repeatable.")
@click.option("--datastore", type=_PATH, help="A file with items of Flyte's datastore: texts and objects by key.")
@click.option("--labels", default="", help="Labels of the Slack pack: key=value,key=value.")
@click.option("--in-memory", is_flag=True, help="Use in-memory adapters instead of sockets.")
@click.option("--serve", is_flag=True, help="Run no pack: print the variables for a pack of your own, and wait.")
@click.option("--slack-only", is_flag=True, help="Run Slack alone, without a pack and Flyte: for an app of any kind.")
@click.option("--classic", is_flag=True, help="With --serve or --slack-only: a classic bot token, to receive by RTM.")
@click.option(
    "--deliver-to",
    metavar="URL",
    default="",
    callback=_check_url,
    help="With --serve or --slack-only: send signed requests to this address.",
)
@click.option("--slack-port", type=_PORT, default=0, help="Port of the simulated Slack; 0 picks a free one.")
@click.option("--flyte-port", type=_PORT, default=0, help="Port of the simulated Flyte; 0 picks a free one.")
@click.option("--page-port", type=_PORT, help="Port of the web page; in a terminal a free one by default.")
@click.option("--record", type=_PATH, help="Record the pack's traffic to this file.")
@click.option("--replay", type=_PATH, help="Replay a recording first.")
@click.option("--explain/--quiet", default=None, help="Show what each message triggers; the default in a terminal.")
@click.option("--log-level", type=click.Choice(LOG_LEVELS), help="Show the pack's log at this level.")
def simulate(**options: Any) -> None:
    """Try flows on this machine, between a simulated Slack and Flyte. Type /help for the commands.

    Without a terminal, posts each line of standard input as a message and prints the conversation.
    """
    from entrypoints.cli.simulate import SimulateOptions  # noqa: PLC0415 - not needed by run
    from entrypoints.cli.simulate import simulate as run_simulation  # noqa: PLC0415 - likewise

    if options["serve"] and options["in_memory"]:
        raise click.UsageError(
            "--serve and --in-memory exclude each other: a pack of your own connects through sockets"
        )
    if options["slack_only"] and (unused := _given(_OF_PACKS)):
        raise click.UsageError(f"--slack-only runs neither a pack nor Flyte: omit {unused}")
    if options["in_memory"] and (unused := _given(_OF_SOCKETS)):
        raise click.UsageError(f"--in-memory opens no socket, and has no page: omit {unused}")
    if (options["classic"] or options["deliver_to"]) and not (options["serve"] or options["slack_only"]):
        raise click.UsageError(
            "--classic and --deliver-to are for a pack or an app of your own: add --serve or --slack-only"
        )
    if options["classic"] and options["deliver_to"]:
        raise click.UsageError("--classic and --deliver-to exclude each other: a classic app receives by RTM here")
    if options["serve"] and options["labels"]:
        raise click.UsageError("--serve runs no pack with labels: set FLYTE_LABELS for your own pack instead")
    if options["serve"] and options["record"]:
        raise click.UsageError("--serve runs no pack to record: set FLYTE_SLACK_RECORD for your own pack instead")
    sys.exit(run_simulation(SimulateOptions(**options, variables=os.environ)))


def _given(flags: Mapping[str, str]) -> str:
    """Returns which of these options are on the command line."""
    source = click.get_current_context().get_parameter_source
    return ", ".join(flag for flag, name in flags.items() if source(name) is ParameterSource.COMMANDLINE)


@main.command(short_help="Check configuration and connectivity, and suggest fixes.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list of objects with check, status, message and remedy."
)
@click.option("--gate", "is_gate", is_flag=True, help="Before a start: fail only for what would end it.")
def check(*, as_json: bool, is_gate: bool) -> None:
    """Check the configuration, Slack, Flyte, the storage and this machine, and suggest fixes.

    Registers, posts and changes nothing. Exit status 0: the pack can run; 1: a check failed; 2: invalid settings. With
    --gate 0: a start would go ahead; 1: it would end with status 1; 2: with status 2.
    """
    from entrypoints.check.command import check as run_check  # noqa: PLC0415 - not needed by run

    sys.exit(run_check(os.environ, as_json=as_json, is_gate=is_gate))


@main.command(cls=_SimulationCommand, short_help="Find mistakes in flows before they run.")
@click.argument("flows", nargs=-1, required=True, metavar="FLOW...", type=_PATH)
@click.option("--pack", "packs", multiple=True, type=_PATH, help="A scripted pack that the flows use; repeatable.")
@click.option("--pack-name", envvar="PACK_NAME", default="Slack", show_default=True, help="The Slack pack's name.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list of objects: file, line, column, check, message."
)
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for code review tools.")
def lint(*, flows: tuple[Path, ...], packs: tuple[Path, ...], pack_name: str, as_json: bool, as_sarif: bool) -> None:
    """Report mistakes in flows, each with its file, line and column, and with what to write instead.

    FLOW is a flow file, or a directory with flows and scripted packs. Exit status 0: no mistake; 1: a mistake was
    found; 2: a file cannot be used.
    """
    from entrypoints.lint import reports  # noqa: PLC0415 - not needed by run
    from entrypoints.lint.command import lint as run_lint  # noqa: PLC0415 - likewise

    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif exclude each other")
    report = reports.as_json if as_json else reports.as_sarif if as_sarif else reports.as_lines
    sys.exit(run_lint(flows, packs, pack_name, report))


@main.command(cls=_SimulationCommand, short_help="Run flow tests.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-k", "name_contains", default="", metavar="WORDS", help="Run only tests whose names contain this.")
@click.option("--datastore", type=_PATH, help="A file with items of Flyte's datastore, for all tests.")
@click.option("-v", "verbosity", count=True, help="Show each test; -vv also shows its conversation.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML to this file.")
def test(**options: Any) -> None:
    """Run flow tests: messages and the expected reactions to them, in virtual time.

    FILE is a test file, a directory or a pattern. Exit status 0: all tests passed; 1: a test failed; 2: a file is
    invalid.
    """
    from entrypoints.flow_tests.command import run_tests  # noqa: PLC0415 - not needed by run

    sys.exit(run_tests(**options, environ=os.environ))


@main.command(cls=_SimulationCommand, short_help="Turn a recording into a flow test.")
@click.argument("record", type=_PATH)
@click.option("--flow", "flows", multiple=True, type=_PATH, help="A flow file to test; repeatable.")
@click.option("--pack", "packs", multiple=True, type=_PATH, help="A scripted pack to run; repeatable.")
@click.option("-o", "--output", type=_PATH, help="The new file to write; standard output by default.")
def record_to_test(**options: Any) -> None:
    """Turn a recording (FLYTE_SLACK_RECORD, simulate --record) into a flow test of its messages and the bot's posts.

    Review the test, then run it with `flyte-slack test`. Exit status 2: the recording is invalid.
    """
    from entrypoints.flow_tests.recordings.command import convert  # noqa: PLC0415 - not needed by run

    sys.exit(convert(**options))


class _OperatorsCommands(click.Command):
    """A group of commands whose module is loaded only when one of them is used."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self._module = module

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Returns the context of the group itself."""
        group: click.Group = import_module(self._module).commands(self.name, self.short_help, os.environ)
        return group.make_context(*arguments, **options)


for _operators_commands in (
    ("outbox", "entrypoints.cli.queues", "List, retry or discard messages on their way to Flyte."),
    ("journal", "entrypoints.cli.queues", "List, retry or discard actions taken from Flyte."),
    ("pauses", "entrypoints.cli.pauses", "List or lift the pauses that Slack has asked for."),
    ("storage", "entrypoints.cli.storage_copy", "Back up, restore, move to another storage, or bring one up to date."),
):
    main.add_command(_OperatorsCommands(*_operators_commands))
