"""Writes test results as JUnit XML, which CI systems read."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from junitparser import Attr, Failure, IntAttr, JUnitXml, TestCase, TestSuite

from entrypoints.flow_tests.reporting.console import failure_location
from entrypoints.flow_tests.result import FlowTestResult
from entrypoints.simulation.console.output import Line

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot represent, not even escaped."""


class _TestCase(TestCase):
    file = Attr()
    line = IntAttr()


def write_junit(path: Path, results: Sequence[FlowTestResult]) -> None:
    """Writes one suite for each file of tests. Raises OSError."""
    report = JUnitXml("flyte-slack test")
    for file, group in groupby(results, key=lambda result: result.test.file):
        suite = TestSuite(_escape(str(file)))
        for result in group:
            suite.add_testcase(_test_case(result))
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call] # junitparser's
    report.write(str(path), pretty=True)


def _test_case(result: FlowTestResult) -> TestCase:
    test, failure = result.test, result.failure
    classname = ".".join(test.file.with_suffix("").parts)
    case = _TestCase(_escape(test.name), _escape(classname), round(result.real_seconds, 3))
    case.file, case.line = _escape(str(test.file)), test.line
    if failure:
        details = [f"{failure_location(test, failure)}: {failure.reason}"]
        details += ["", *_texts(failure.diff), "", *_texts(failure.trace)]
        element = Failure(_escape(failure.reason), "failed")
        element.text = _escape("\n".join(details))
        case.result = [element]
    return case


def _texts(lines: Iterable[Line]) -> Iterable[str]:
    for line in lines:
        yield "".join(span.text for span in line.spans).replace("\n", "\n" + " " * line.indent)


def _escape(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
