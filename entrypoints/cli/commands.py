"""The command line: `flyte-slack run | simulate | check | outbox | journal | test | record-to-test`."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import uvloop

from entrypoints.cli.queues import register_commands
from entrypoints.config.settings import SettingsError, load_settings
from entrypoints.container import Container
from entrypoints.daemon import ExitStatus, run_daemon
from entrypoints.observability.logs import configure_logs


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("flyte-slack"), prog_name="flyte-slack")
@click.pass_context
def main(context: click.Context) -> None:
    """The Slack pack for Flyte. Without a command: run."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@main.command(short_help="Run the pack, until SIGTERM or SIGINT.")
def run() -> None:
    """Run the pack, configured by environment variables, until SIGTERM or SIGINT."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitStatus.INVALID_SETTINGS)
    configure_logs(settings.log_level, secrets=settings.secret_texts)
    sys.exit(uvloop.run(run_daemon(Container(settings=settings))))


@main.command(short_help="Talk to flows, with no Slack and no Flyte.")
@click.option("--flow", "flows", multiple=True, type=click.Path(path_type=Path), help="A flow of your own; repeatable.")
@click.option("--pack", "packs", multiple=True, type=click.Path(path_type=Path), help="A scripted pack; repeatable.")
@click.option("--labels", default="", help="The Slack pack's labels: key=value,key=value.")
@click.option("--in-memory", is_flag=True, help="Without sockets: the pack on its adapters in memory.")
@click.option("--serve", is_flag=True, help="Without the pack: print how to point one of your own here, and stay.")
@click.option("--slack-port", type=click.IntRange(0, 65535), default=0, help="The simulated Slack's; 0: a free one.")
@click.option("--flyte-port", type=click.IntRange(0, 65535), default=0, help="The simulated Flyte's; 0: a free one.")
@click.option("--page-port", type=click.IntRange(0, 65535), help="The page's; unless said, a free one for people.")
@click.option("--record", type=click.Path(path_type=Path), help="Keep a record of what goes in and out of the pack.")
@click.option("--replay", type=click.Path(path_type=Path), help="Play a record first, such as --record keeps.")
@click.option("--explain/--quiet", default=None, help="Tell what follows from each message (as in a terminal), or not.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Show the pack's log.")
def simulate(**options: Any) -> None:
    """Talk to flows on this machine, with no Slack and no Flyte. Type /help there.

    Not in a terminal, the lines of standard input are said, and the conversation is printed.
    """
    from entrypoints.cli.simulate import SimulateOptions  # noqa: PLC0415 - the daemon needs none of it
    from entrypoints.cli.simulate import simulate as run_simulation  # noqa: PLC0415 - likewise

    if options["serve"] and options["in_memory"]:
        raise click.UsageError("--serve needs sockets, and --in-memory has none")
    if options["serve"] and options["record"]:
        raise click.UsageError("--serve has no pack that could keep a record: set FLYTE_SLACK_RECORD for yours")
    sys.exit(run_simulation(SimulateOptions(**options)))


@main.command(short_help="Say what is wrong, and how to mend it.")
@click.option("--json", "as_json", is_flag=True, help="A list for machines: check, status, message, mend.")
def check(*, as_json: bool) -> None:
    """Say what is wrong with configuration, Slack, Flyte and this machine, and how to mend it.

    Nothing is registered, posted or changed. Exit status 0: the pack can run; 1: something is wrong; 2: the
    configuration is.
    """
    from entrypoints.check.command import check as run_check  # noqa: PLC0415 - the daemon needs none of it

    sys.exit(run_check(os.environ, as_json=as_json))


@main.command(short_help="Run tests of flows.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-k", "name_contains", default="", metavar="WORDS", help="Only the tests in whose names this stands.")
@click.option("-v", "verbosity", count=True, help="A line for each test; twice: what is said in it, too.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JUnit XML, too.")
def test(**options: Any) -> None:
    """Run tests of flows: what is said, and what has to follow from it, in virtual time.

    FILE is a file of tests, a folder, or a pattern. Exit status 0: all passed; 1: some failed; 2: a file can't be used.
    """
    from entrypoints.flow_tests.command import FlowTestOptions, run_tests  # noqa: PLC0415 - the daemon needs none of it

    sys.exit(run_tests(FlowTestOptions(**options)))


@main.command(short_help="Turn a record into a flow test.")
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--flow", "flows", multiple=True, type=click.Path(path_type=Path), help="A flow to test; repeatable.")
@click.option("--pack", "packs", multiple=True, type=click.Path(path_type=Path), help="A scripted pack; repeatable.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A new file to write; otherwise standard output.")
def record_to_test(**options: Any) -> None:
    """Turn a record (FLYTE_SLACK_RECORD, simulate --record) into a flow test: what was said, and what the bot said.

    Read it and run it with `flyte-slack test`. Exit status 2: the record can't be used.
    """
    from entrypoints.flow_tests.recordings.command import ConversionOptions, convert  # noqa: PLC0415 - the daemon needs none of it

    sys.exit(convert(ConversionOptions(**options)))


register_commands(main, os.environ)
