"""`flyte-slack test`: runs flow tests and reports the results."""

import glob
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final, assert_never

import click

from entrypoints.exit_status import ExitStatus
from entrypoints.flow_tests.model import FlowTest, StepTest, Test
from entrypoints.flow_tests.parsing.file_parser import holds_tests, read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.reporting.console import report_failure, report_result, report_summary
from entrypoints.flow_tests.reporting.junit import write_junit
from entrypoints.flow_tests.result import FlowTestResult
from entrypoints.flow_tests.runtime.runner import run_flow_test
from entrypoints.flow_tests.runtime.step_runner import run_step_test
from entrypoints.simulation.console.output import Line, Output, PlainOutput, Span
from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.pack_settings import applicable
from entrypoints.terminal_text import printable

_SUFFIXES: Final = (".yaml", ".yml", ".json")


def run_tests(
    files: Sequence[str],
    name_contains: str = "",
    verbosity: int = 0,
    junit: Path | None = None,
    datastore: Path | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> ExitStatus:
    """Runs the tests in files, folders and patterns (`flows/*_test.yaml`) whose names contain something, in any case.

    The items of the file `datastore` are in the datastore of all tests, unless they have their own of that key. Of
    `environ` the tests use nothing, and say so where the pack would.

    INVALID_SETTINGS when a file cannot be used or there are no tests; FAILED when a test failed.
    """
    began = time.perf_counter()
    try:
        tests = _find_tests(files, name_contains)
        if datastore:
            tests = [_with_items(test, datastore_from_file(datastore)) for test in tests]
        if unused := _unused(tests, applicable(environ)):
            click.echo(f"note: tests ignore {unused} of the environment; write it under `settings`", err=True)
        for warning in dict.fromkeys(warning for test in tests for warning in test.warnings):
            click.echo(f"warning: {warning}", err=True)
        output = _output()
        with silent_logs():
            results = _run(tests, output, verbosity)
        report_summary(output, results, time.perf_counter() - began)
        if junit:
            write_junit(junit, results)
    except InvalidDocument as error:
        click.echo(printable(str(error)), err=True)
        return ExitStatus.INVALID_SETTINGS
    except OSError as error:
        click.echo(printable(f"{error.filename or 'a file'} can't be written: {error.strerror}"), err=True)
        return ExitStatus.INVALID_SETTINGS
    return ExitStatus.FAILED if any(result.failure for result in results) else ExitStatus.OK


def run_test(test: Test) -> FlowTestResult:
    """Runs one test."""
    match test:
        case FlowTest():
            return run_flow_test(test)
        case StepTest():
            return run_step_test(test)
        case _:
            assert_never(test)


def _find_tests(files: Sequence[str], name_contains: str) -> Sequence[Test]:
    """Loads the selected tests. Raises InvalidDocument with the errors of all files."""
    errors: list[str] = []
    found: list[Test] = []
    named = {Path(name) for name in files}  # must contain tests; folders and patterns include flows and packs too
    for path in dict.fromkeys(path for name in files for path in _expand(name)):
        try:
            if path in named or holds_tests(path):
                found += read_tests(path)
        except InvalidDocument as error:
            errors.append(str(error))
    if errors:
        raise InvalidDocument("\n".join(errors))
    selected = [test for test in found if name_contains.lower() in test.name.lower()]
    if not selected:
        raise InvalidDocument(f"no test name contains '{name_contains}'" if found else "there are no tests")
    return selected


def _unused(tests: Sequence[Test], variables: Iterable[str]) -> str:
    """Lists the variables that the pack would use, and that not all conversations set themselves."""
    conversations = [test for test in tests if isinstance(test, FlowTest)]
    unused = (name for name in variables if any(name not in test.setup.settings for test in conversations))
    return " and ".join(unused)


def _with_items(test: Test, items: Mapping[str, object]) -> Test:
    match test:
        case FlowTest():
            return replace(test, setup=replace(test.setup, datastore={**items, **test.setup.datastore}))
        case StepTest():
            return replace(test, datastore={**items, **test.datastore})
        case _:
            assert_never(test)


def _expand(name: str) -> Sequence[Path]:
    """Returns a file, all files in and below a folder, or those that match a pattern."""
    path = Path(name)
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*") if inner.suffix.lower() in _SUFFIXES and inner.is_file())
    if path.exists() or not glob.has_magic(name):
        return [path]
    return sorted(map(Path, glob.glob(name, recursive=True)))  # noqa: PTH207 - pathlib takes no absolute pattern


def _run(tests: Sequence[Test], output: Output, verbosity: int) -> Sequence[FlowTestResult]:
    results: list[FlowTestResult] = []
    for file, group in groupby(tests, key=lambda test: test.file):
        of_file = list(group)
        count = f"{len(of_file)} test{'s' if len(of_file) > 1 else ''}"
        output.write(Line([Span(str(file), "channel"), Span(f"  {count}", "aside")]))
        for test in of_file:
            results.append(run_test(test))
            report_result(output, results[-1], verbosity)
        for result in results[-len(of_file) :]:
            if result.failure:
                report_failure(output, result.test, result.failure)
    return results


def _output() -> Output:
    if sys.stdout.isatty():
        from entrypoints.simulation.console.terminal import ColourOutput  # noqa: PLC0415 - a pipe needs none of it

        return ColourOutput()
    return PlainOutput(sys.stdout)
