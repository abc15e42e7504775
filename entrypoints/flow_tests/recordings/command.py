"""`flyte-slack record-to-test`: from a record to a flow test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from entrypoints.daemon import ExitStatus
from entrypoints.flow_tests.recordings.to_test import flow_test_from
from entrypoints.simulation.flyte.documents import InvalidDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionOptions:
    """What was asked for on the command line."""

    record: Path
    flows: Sequence[Path] = ()
    packs: Sequence[Path] = ()
    output: Path | None = None
    """None: standard output, with paths from the folder that the command is run in."""


def convert(asked: ConversionOptions) -> ExitStatus:
    """Write the test. A file that is there already is not written over."""
    folder = asked.output.parent if asked.output else Path()
    try:
        text = flow_test_from(asked.record, folder, asked.flows, asked.packs)
        if asked.output is None:
            click.echo(text, nl=False)
            return ExitStatus.OK
        with asked.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"{asked.output} is there already; name another file, or remove it", err=True)
        return ExitStatus.FAILED
    except (InvalidDocument, OSError) as error:
        click.echo(str(error), err=True)
        return ExitStatus.INVALID_SETTINGS
    click.echo(f"flyte-slack test {asked.output}", err=True)
    return ExitStatus.OK
