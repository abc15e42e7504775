"""Findings for people, a line each, or for machines, as JSON."""

import json
import textwrap
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from entrypoints.check.findings import Finding, Status
from entrypoints.observability.logs import escape_controls
from entrypoints.observability.redaction import Redactor

_STYLES: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red", Status.SKIPPED: "dim"}
_VERDICTS: Final = {
    Status.FAILED: "The pack can't work like this",
    Status.WARNING: "The pack can run",
    Status.OK: "All is well",
}
"""By the worst that was found; the first that fits."""
_STATUS_WIDTH: Final = 9
_CHECK_WIDTH: Final = 28
_INDENT: Final = " " * (_STATUS_WIDTH + _CHECK_WIDTH)
_REMEDY: Final = "fix: "
_MIN_WIDTH: Final = 80
"""Columns of a terminal below which lines are left for it to break."""


class Report:
    """Takes findings in; they come out without secrets, and with control characters of foreign texts escaped."""

    def __init__(self, stream: TextIO, redactor: Redactor, *, as_json: bool) -> None:
        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._redactor = redactor
        self._as_json = as_json
        self._findings: list[Finding] = []

    def progress(self) -> AbstractContextManager[object]:
        """Show in a terminal that something is going on, as long as it is entered."""
        is_shown = self._console.is_terminal and not self._as_json
        return self._console.status("looking ...") if is_shown else nullcontext()

    def add(self, finding: Finding) -> None:
        """Take a finding in; show it at once where people read."""
        told = Finding(
            self._clean(finding.check), finding.status, self._clean(finding.message), self._clean(finding.remedy)
        )
        self._findings.append(told)
        if not self._as_json:
            self._print(told)

    def finish(self) -> None:
        """Show the sum of it for people, or everything for machines."""
        if self._as_json:
            self._stream.write(json.dumps([asdict(finding) for finding in self._findings], indent=1) + "\n")
            return
        counts = Counter(finding.status for finding in self._findings)
        worst = next((status for status in _VERDICTS if counts[status]), Status.OK)
        told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        named = ", ".join(dict.fromkeys(finding.check for finding in self._findings if finding.status is worst))
        see = f" See: {named}." if worst is not Status.OK else ""
        self._console.print()
        self._console.print(Text(self._wrap(f"{_VERDICTS[worst]}: {told}.{see}", ""), style=_STYLES[worst]))

    def _clean(self, text: str) -> str:
        return escape_controls(self._redactor.redact_text(text))

    def _print(self, finding: Finding) -> None:
        head = f"{finding.status:<{_STATUS_WIDTH}}{finding.check:<{_CHECK_WIDTH - 1}} "
        line = Text(self._wrap(head + finding.message, _INDENT))
        line.stylize(_STYLES[finding.status], 0, len(finding.status))
        self._console.print(line)
        if finding.remedy:
            self._console.print(Text(self._wrap(_INDENT + _REMEDY + finding.remedy, _INDENT + " " * len(_REMEDY))))

    def _wrap(self, line: str, indent: str) -> str:
        if not self._console.is_terminal or self._console.width < _MIN_WIDTH:
            return line
        return textwrap.fill(
            line, self._console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
