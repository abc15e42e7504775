"""`flyte-slack lint`: reports the mistakes in flows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from entrypoints.exit_status import ExitStatus
from entrypoints.lint.findings import Finding
from entrypoints.lint.linter import lint_flow
from entrypoints.lint.packs import Packs
from entrypoints.lint.sources import find_sources
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.terminal_text import printable


def lint(
    paths: Sequence[Path],
    packs: Sequence[Path],
    pack_name: str,
    report: Callable[[Sequence[Finding]], str],
) -> ExitStatus:
    """Prints the mistakes in the flows in files and directories, as `report` formats them.

    FAILED if there are any; INVALID_SETTINGS if a path or a pack cannot be used, or if there is no flow.
    """
    try:
        sources = find_sources(paths)
        known = Packs(pack_name, [*map(pack_from_file, packs), *sources.packs])
    except InvalidDocument as error:
        click.echo(printable(str(error)), err=True)
        return ExitStatus.INVALID_SETTINGS
    for other in sources.others:
        click.echo(printable(other), err=True)
    findings = [
        finding
        for source in sources.flows
        for finding in lint_flow(source.text, str(source.path), known, is_json=source.is_json)
    ]
    click.echo(printable(report(findings)), nl=False)
    return ExitStatus.FAILED if findings else ExitStatus.OK
