"""`flyte-slack record-to-test`: turns a recording into a flow test."""

from collections.abc import Sequence
from pathlib import Path

import click

from entrypoints.daemon import ExitStatus
from entrypoints.flow_tests.recordings.to_test import flow_test_from
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.terminal_text import printable


def convert(
    record: Path, flows: Sequence[Path] = (), packs: Sequence[Path] = (), output: Path | None = None
) -> ExitStatus:
    """Writes the test to a new file, or to standard output with paths relative to the working directory."""
    folder = output.parent if output else Path()
    try:
        text = flow_test_from(record, folder, flows, packs)
        if output is None:
            click.echo(text, nl=False)
            return ExitStatus.OK
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"{output} already exists; name another file, or remove it", err=True)
        return ExitStatus.FAILED
    except (InvalidDocument, OSError) as error:
        click.echo(printable(str(error)), err=True)
        return ExitStatus.INVALID_SETTINGS
    click.echo(f"flyte-slack test {output}", err=True)
    return ExitStatus.OK
