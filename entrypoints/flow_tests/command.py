"""`flyte-slack test`: run tests of flows, tell what came of them."""

import glob
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, assert_never

import click

from entrypoints.daemon import ExitStatus
from entrypoints.flow_tests.model import FlowTest
from entrypoints.flow_tests.parsing.file_parser import Test, holds_tests, read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.reporting.console import report_failure, report_result, report_summary
from entrypoints.flow_tests.reporting.junit import write_junit
from entrypoints.flow_tests.result import FlowTestResult
from entrypoints.flow_tests.runtime.runner import run_flow_test
from entrypoints.flow_tests.runtime.step_runner import StepTest, run_step_test
from entrypoints.simulation.console.output import Line, Output, PlainOutput, Span
from entrypoints.simulation.flyte.documents import InvalidDocument

_ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTestOptions:
    """What was asked for on the command line."""

    files: Sequence[str]
    """Files, folders, and patterns such as `flows/*_test.yaml`."""
    name_contains: str = ""
    """Only tests in whose names this stands, in any case."""
    verbosity: int = 0
    junit: Path | None = None


def run_tests(options: FlowTestOptions) -> ExitStatus:
    """Run the tests. INVALID_SETTINGS when a file can't be used, or none is found; FAILED when a test failed."""
    began = time.perf_counter()
    try:
        tests = _found(options)
        paper = _paper()
        with silent_logs():
            verdicts = _run(tests, paper, options.verbosity)
        if options.junit:
            write_junit(options.junit, verdicts)
    except (InvalidDocument, OSError) as error:
        click.echo(str(error), err=True)
        return ExitStatus.INVALID_SETTINGS
    report_summary(paper, verdicts, time.perf_counter() - began)
    return ExitStatus.FAILED if any(verdict.failure for verdict in verdicts) else ExitStatus.OK


def run_test(test: Test) -> FlowTestResult:
    """What comes of one test."""
    match test:
        case FlowTest():
            return run_flow_test(test)
        case StepTest():
            return run_step_test(test)
        case _:
            assert_never(test)


def _found(options: FlowTestOptions) -> Sequence[Test]:
    """The tests to run. Raises InvalidDocument with all that is wrong with the files."""
    mistakes: list[str] = []
    found: list[Test] = []
    for path in dict.fromkeys(path for name in options.files for path in _paths(name)):
        try:
            if not _is_listed(path, options.files) and not holds_tests(path):
                continue
            found += read_tests(path)
        except InvalidDocument as error:
            mistakes.append(str(error))
    if mistakes:
        raise InvalidDocument("\n".join(mistakes))
    chosen = [test for test in found if options.name_contains.lower() in test.name.lower()]
    if not chosen:
        raise InvalidDocument(f"no test has '{options.name_contains}' in its name" if found else "there are no tests")
    return chosen


def _paths(name: str) -> Sequence[Path]:
    """The files that somebody means: a file, all of a folder and of the folders in it, or those of a pattern."""
    path = Path(name)
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*") if inner.suffix.lower() in _ENDINGS and inner.is_file())
    if path.exists() or not glob.has_magic(name):
        return [path]
    return sorted(map(Path, glob.glob(name, recursive=True)))  # noqa: PTH207 - pathlib takes no absolute pattern


def _is_listed(path: Path, names: Sequence[str]) -> bool:
    """Whether a file was named, so that it has to be one of tests; folders and patterns hold flows and packs too."""
    return str(path) in {str(Path(name)) for name in names}


def _run(tests: Sequence[Test], paper: Output, verbosity: int) -> Sequence[FlowTestResult]:
    verdicts = []
    for file, of_file in groupby(tests, key=lambda test: test.file):
        found = list(_run_file(file, list(of_file), paper, verbosity))
        verdicts += found
        for verdict in found:
            if verdict.failure:
                report_failure(paper, verdict, verdict.failure)
    return verdicts


def _run_file(file: Path, tests: Sequence[Test], paper: Output, verbosity: int) -> Iterator[FlowTestResult]:
    paper.write(
        Line([Span(str(file), "channel"), Span(f"  {len(tests)} test{'s' if len(tests) > 1 else ''}", "aside")])
    )
    for test in tests:
        verdict = run_test(test)
        report_result(paper, verdict, verbosity)
        yield verdict


def _paper() -> Output:
    if sys.stdout.isatty():
        from entrypoints.simulation.console.terminal import ColourOutput  # noqa: PLC0415 - a pipe needs none of it

        return ColourOutput()
    return PlainOutput(sys.stdout)
