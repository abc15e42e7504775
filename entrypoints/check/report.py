"""Prints findings: one per line for people, or as JSON for scripts."""

import json
import shutil
import textwrap
from collections import Counter
from typing import Any, Final, TextIO

import click

from entrypoints.check.findings import Finding, Status
from entrypoints.observability.redaction import Redactor
from entrypoints.terminal_text import escape_controls

_STYLES: Final[dict[Status, dict[str, Any]]] = {
    Status.OK: {"fg": "green"},
    Status.WARNING: {"fg": "yellow"},
    Status.FAILED: {"fg": "red", "bold": True},
    Status.SKIPPED: {"dim": True},
}
_VERDICTS: Final = {
    Status.FAILED: "The pack can't run like this",
    Status.WARNING: "The pack can run",
    Status.OK: "No problems found",
}
"""From the worst status to the best; the first one found decides."""
_VERDICTS_BEFORE_START: Final = {
    Status.FAILED: "A start would end at once",
    Status.WARNING: "The pack can start",
    Status.OK: "The pack can start",
}
_KEYS: Final = ("check", "status", "message", "remedy")
_STATUS_WIDTH: Final = 9
_CHECK_WIDTH: Final = 28
_INDENT: Final = " " * (_STATUS_WIDTH + _CHECK_WIDTH)
_REMEDY: Final = "fix: "
_MIN_WIDTH: Final = 80
"""Narrower terminals wrap the lines themselves."""


class Report:
    """Prints findings without secrets, with control characters in foreign texts escaped."""

    def __init__(
        self,
        stream: TextIO,
        redactor: Redactor,
        *,
        as_json: bool,
        has_colours: bool = True,
        is_gate: bool = False,
    ) -> None:
        """`has_colours` is for terminals; a file or a pipe never gets colours.

        With `is_gate`, findings fail only if they would end a start.
        """
        self._stream = stream
        self._redactor = redactor
        self._as_json = as_json
        self._is_gate = is_gate
        self._has_colours = has_colours and stream.isatty()
        self._width = shutil.get_terminal_size().columns if stream.isatty() else 0
        self._findings: list[Finding] = []

    @property
    def has_failures(self) -> bool:
        """Whether a finding is FAILED."""
        return any(finding.status is Status.FAILED for finding in self._findings)

    def add(self, finding: Finding) -> None:
        """Adds a finding; people see it at once."""
        if self._is_gate:
            finding = finding.before_start()
        check, message, remedy = map(self._clean, (finding.check, finding.message, finding.remedy))
        clean = Finding(check, finding.status, message, remedy)
        self._findings.append(clean)
        if not self._as_json:
            self._print(clean)

    def finish(self) -> None:
        """Prints the summary for people, or all findings for scripts."""
        if self._as_json:
            listed = [{key: getattr(finding, key) for key in _KEYS} for finding in self._findings]
            self._stream.write(json.dumps(listed, indent=1) + "\n")
            return
        counts = Counter(finding.status for finding in self._findings)
        verdicts = _VERDICTS_BEFORE_START if self._is_gate else _VERDICTS
        worst = next((status for status in verdicts if counts[status]), Status.OK)
        summary = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        names = ", ".join(dict.fromkeys(finding.check for finding in self._findings if finding.status is worst))
        see = f" See: {names}." if worst is not Status.OK else ""
        self._echo()
        self._echo(click.style(self._wrap(f"{verdicts[worst]}: {summary}.{see}", ""), **_STYLES[worst]))

    def _clean(self, text: str) -> str:
        return escape_controls(self._redactor.redact_text(text))

    def _print(self, finding: Finding) -> None:
        head = f"{finding.status:<{_STATUS_WIDTH}}{finding.check:<{_CHECK_WIDTH - 1}} "
        line = self._wrap(head + finding.message, _INDENT)
        self._echo(click.style(finding.status, **_STYLES[finding.status]) + line.removeprefix(finding.status))
        if finding.remedy:
            self._echo(self._wrap(_INDENT + _REMEDY + finding.remedy, _INDENT + " " * len(_REMEDY)))

    def _echo(self, line: str = "") -> None:
        click.echo(line, file=self._stream, color=self._has_colours)

    def _wrap(self, line: str, indent: str) -> str:
        if self._width < _MIN_WIDTH:
            return line
        return textwrap.fill(
            line, self._width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
