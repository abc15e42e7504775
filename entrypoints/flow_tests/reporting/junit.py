"""Writes down what came of tests as JUnit XML, which every CI reads."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from entrypoints.flow_tests.reporting.console import failure_location
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.simulation.console.output import Line

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, not even escaped."""


def write_junit(path: Path, verdicts: Sequence[FlowTestResult]) -> None:
    """One suite for each file of tests. Raises OSError."""
    suites = ET.Element("testsuites", {"name": "flyte-slack test", **_sums(verdicts)})
    for file, of_file in groupby(verdicts, key=lambda verdict: verdict.test.file):
        found = list(of_file)
        suite = ET.SubElement(suites, "testsuite", {"name": _sound(str(file)), **_sums(found)})
        for verdict in found:
            _add_case(suite, verdict)
    ET.indent(suites)
    ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: ET.Element, verdict: FlowTestResult) -> None:
    test = verdict.test
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_sound(".".join(test.file.with_suffix("").parts)),
        name=_sound(test.name),
        file=_sound(str(test.file)),
        line=str(test.line),
        time=f"{verdict.real_seconds:.3f}",
    )
    if verdict.failure:
        failure = ET.SubElement(case, "failure", type="failed", message=_sound(verdict.failure.reason))
        failure.text = _sound(_told(verdict, verdict.failure))


def _told(verdict: FlowTestResult, failure: Failure) -> str:
    head = f"{failure_location(verdict.test, failure)}: {failure.reason}"
    return "\n".join([head, "", *_texts(failure.diff), "", *_texts(failure.trace)])


def _texts(lines: Iterable[Line]) -> Iterable[str]:
    for line in lines:
        yield "".join(span.text for span in line.spans).replace("\n", "\n" + " " * line.indent)


def _sums(verdicts: Sequence[FlowTestResult]) -> dict[str, str]:
    return {
        "tests": str(len(verdicts)),
        "failures": str(sum(verdict.failure is not None for verdict in verdicts)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(verdict.real_seconds for verdict in verdicts):.3f}",
    }


def _sound(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
