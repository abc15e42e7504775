"""Formats findings: as lines like a compiler's, as JSON, and as SARIF 2.1.0 for code review tools."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final
from urllib.parse import quote

from entrypoints.lint.checks import CHECKS
from entrypoints.lint.findings import Finding
from entrypoints.version import VERSION

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HELP: Final = "https://github.com/ExpediaGroup/flyte-slack"


def as_lines(findings: Sequence[Finding]) -> str:
    """Returns a line for each finding."""
    return "".join(f"{finding}\n" for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """Returns a JSON list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2) + "\n"


def as_sarif(findings: Sequence[Finding]) -> str:
    """Returns a log of SARIF 2.1.0, with every check as a rule."""
    rules = [{"id": check.id, "shortDescription": {"text": check.summary}} for check in CHECKS]
    driver = {"name": "flyte-slack", "version": VERSION, "informationUri": _HELP, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(finding: Finding) -> dict[str, object]:
    physical = {
        "artifactLocation": {"uri": _uri(Path(finding.file))},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    return {
        "ruleId": finding.check,
        "ruleIndex": [check.id for check in CHECKS].index(finding.check),
        "level": "error",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": physical}],
    }


def _uri(path: Path) -> str:
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
