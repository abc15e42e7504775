"""`flyte-slack record-to-test`: turns a recording into a flow test."""

from collections.abc import Sequence
from pathlib import Path

import click

from adapters.recording.entries import Registered
from entrypoints.exit_status import ExitStatus
from entrypoints.flow_tests.model import FlowTest
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.recordings.session import read_recording
from entrypoints.flow_tests.recordings.to_test import flow_test_from
from entrypoints.flow_tests.runtime.runner import run_flow_test
from entrypoints.lint.packs import SLACK
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.terminal_text import printable


def convert(
    record: Path, flows: Sequence[Path] = (), packs: Sequence[Path] = (), output: Path | None = None
) -> ExitStatus:
    """Writes the test to a new file, or to standard output with paths relative to the working directory."""
    folder = output.parent if output else Path()
    try:
        _check_packs(record, flows, packs)
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
    for reason in _failures(output):
        click.echo(f"warning: the test fails as it is: {printable(reason)}", err=True)
    click.echo(f"flyte-slack test {output}", err=True)
    return ExitStatus.OK


def _check_packs(record: Path, flows: Sequence[Path], packs: Sequence[Path]) -> None:
    """Raises InvalidDocument if the flows need a pack that the test would lack."""
    recorded = {entry.pack for entry in read_recording(record) if isinstance(entry, Registered)}
    known = {*(recorded or {SLACK}), *(pack_from_file(path).name for path in packs)}
    for path in flows:
        for step in flow_from_file(path).steps:
            if step.command_pack not in known:
                needed = f"{step.command_name} to the pack {step.command_pack}, which is not in the recording"
                raise InvalidDocument(f"this flow sends {needed}: name its script with --pack", str(path))


def _failures(test: Path) -> Sequence[str]:
    """Returns why the new test fails, if it does."""
    with silent_logs():
        results = [run_flow_test(one) for one in read_tests(test) if isinstance(one, FlowTest)]
    return [result.failure.reason for result in results if result.failure]
