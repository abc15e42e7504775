"""The command line: `flyte-slack run | simulate | check`."""

import os
import sys
from importlib.metadata import version

import click
import uvloop

from entrypoints.container import Container
from entrypoints.daemon import ExitStatus, run_daemon
from entrypoints.logs import configure_logs
from entrypoints.settings import SettingsError, load_settings


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("flyte-slack"), prog_name="flyte-slack")
@click.pass_context
def main(context: click.Context) -> None:
    """The Slack pack for Flyte. Without a command: run."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@main.command()
def run() -> None:
    """Run the pack, configured by environment variables, until SIGTERM or SIGINT."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitStatus.BAD_SETTINGS)
    configure_logs(settings.log_level, secrets=settings.secret_texts)
    sys.exit(uvloop.run(run_daemon(Container(settings=settings))))
