"""Reports test results in the terminal."""

from collections.abc import Sequence

from entrypoints.flow_tests.model import Test
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.simulation.console.output import Line, Output, Span, text_line

_MINUTE = 60
_HOUR = 3600


def report_result(output: Output, result: FlowTestResult, verbosity: int) -> None:
    """Writes a line for the test from verbosity 1 on, and the conversation from 2 on."""
    if verbosity < 1:
        return
    mark = Span("FAIL", "bad") if result.failure else Span("ok  ", "good")
    duration = _format_duration(result.virtual_seconds)
    output.write(Line([mark, Span(f"  {result.test.name}"), Span(f"  {duration}", "aside")]))
    if verbosity > 1:
        _write_indented(output, result.conversation)


def report_failure(output: Output, test: Test, failure: Failure) -> None:
    """Writes why and where a test failed."""
    output.write(Line([Span("FAIL", "bad"), Span(f"  {test.name}")]))
    location = Span(f"      {failure_location(test, failure)}: ", "aside")
    output.write(Line([location, Span(failure.reason)], indent=6))
    report_details(output, failure)
    output.write(text_line(""))


def report_details(output: Output, failure: Failure) -> None:
    """Writes the conversation, and the trace of the last turn."""
    if failure.diff:
        output.write(text_line("      conversation (- expected, + actual):", "aside"))
        _write_indented(output, failure.diff)
    if failure.trace:
        output.write(text_line("      trace since the last action:", "aside"))
        _write_indented(output, failure.trace)


def failure_location(test: Test, failure: Failure) -> str:
    """Returns where a test failed: `file:line (step 2)`."""
    return f"{test.file}:{failure.line or test.line} ({failure.step})"


def report_summary(output: Output, results: Sequence[FlowTestResult], real_seconds: float) -> None:
    """Writes how many tests passed and failed, and how long they took."""
    failed = sum(result.failure is not None for result in results)
    counts = [Span(f"{len(results) - failed} passed", "good")]
    counts += [Span(", "), Span(f"{failed} failed", "bad")] if failed else []
    virtual = _format_duration(sum(result.virtual_seconds for result in results))
    output.write(Line([*counts, Span(f" in {real_seconds:.1f} s ({virtual} of virtual time)", "aside")]))


def _write_indented(output: Output, lines: Sequence[Line]) -> None:
    for line in lines:
        output.write(Line([Span("      "), *line.spans], line.indent + 6))


def _format_duration(seconds: float) -> str:
    if seconds >= _HOUR:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s" if seconds >= _MINUTE else f"{seconds:.1f} s"
