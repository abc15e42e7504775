"""Writes down what came of tests, for people."""

from collections.abc import Sequence

from entrypoints.flow_tests.result import Failure, FlowTestResult, Tested
from entrypoints.simulation.console.output import Line, Output, Span, text_line

_MINUTE = 60
_HOUR = 3600


def report_result(paper: Output, verdict: FlowTestResult, verbosity: int) -> None:
    """One line for a test, where that much is asked for, and below it what was said."""
    if verbosity < 1:
        return
    mark = Span("FAIL", "bad") if verdict.failure else Span("ok  ", "good")
    paper.write(
        Line([mark, Span(f"  {verdict.test.name}"), Span(f"  {_format_duration(verdict.virtual_seconds)}", "aside")])
    )
    if verbosity > 1:
        for line in verdict.conversation:
            paper.write(_indented(line))


def report_failure(paper: Output, verdict: FlowTestResult, failure: Failure) -> None:
    """Why a test failed."""
    paper.write(Line([Span("FAIL", "bad"), Span(f"  {verdict.test.name}")]))
    paper.write(
        Line([Span(f"      {failure_location(verdict.test, failure)}: ", "aside"), Span(failure.reason)], indent=6)
    )
    _report_details(paper, failure)
    paper.write(text_line(""))


def report_reason(paper: Output, failure: Failure) -> None:
    """Why a test failed that is no file's."""
    paper.write(text_line(failure.reason))
    _report_details(paper, failure)


def _report_details(paper: Output, failure: Failure) -> None:
    if failure.diff:
        paper.write(text_line("      the conversation (- expected, + happened):", "aside"))
    for line in failure.diff:
        paper.write(_indented(line))
    if failure.trace:
        paper.write(text_line("      what followed from what:", "aside"))
    for line in failure.trace:
        paper.write(_indented(line))


def failure_location(test: Tested, failure: Failure) -> str:
    """Where a test failed: `file:line (step 2)`."""
    return f"{test.file}:{failure.line or test.line} ({failure.step})"


def report_summary(paper: Output, verdicts: Sequence[FlowTestResult], real_seconds: float) -> None:
    """How many passed and failed."""
    failed = sum(verdict.failure is not None for verdict in verdicts)
    counts = [Span(f"{len(verdicts) - failed} passed", "good")]
    counts += [Span(", "), Span(f"{failed} failed", "bad")] if failed else []
    virtual = _format_duration(sum(verdict.virtual_seconds for verdict in verdicts))
    paper.write(Line([*counts, Span(f" in {real_seconds:.1f} s, in which {virtual} of virtual time went by", "aside")]))


def _indented(line: Line) -> Line:
    return Line([Span("      "), *line.spans], line.indent + 6)


def _format_duration(seconds: float) -> str:
    if seconds >= _HOUR:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s" if seconds >= _MINUTE else f"{seconds:.1f} s"
