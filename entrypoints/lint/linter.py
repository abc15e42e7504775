"""Lints flows: runs every check, and places what it finds in the file."""

from entrypoints.lint.checks import CHECKS
from entrypoints.lint.findings import Finding, Problem
from entrypoints.lint.flow_text import FlowText
from entrypoints.lint.packs import Packs
from entrypoints.lint.repairs import read_flow
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.flyte.flow_loader import describe_place


def lint_flow(text: str, file: str, packs: Packs | None = None, *, is_json: bool = False) -> list[Finding]:
    """Returns the mistakes in the text of a flow, in the order of their places; `file` names it in them."""
    document, repairs = read_flow(text, file, is_json=is_json)
    return _findings(FlowText(document, repairs), packs or Packs())


def lint_step(document: Document) -> list[Finding]:
    """Returns the mistakes in the single step at `step` in a document."""
    return _findings(FlowText(document, steps_path=None), Packs())


def _findings(flow: FlowText, packs: Packs) -> list[Finding]:
    found = {_finding(flow.document, check.id, problem) for check in CHECKS for problem in check.find(flow, packs)}
    return sorted(found)


def _finding(document: Document, check: str, problem: Problem) -> Finding:
    mark = problem.mark
    if mark is None and problem.offset is not None:
        mark = document.mark_in_scalar(problem.path, problem.offset)
    if mark is None:
        mark = document.mark(problem.path)
    place = describe_place(problem.path, document.data)
    message = f"{place}: {problem.message}" if place else problem.message
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Finding(document.source, line, column, check, message)
