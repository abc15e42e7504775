"""Loads flow files together with what the linter finds in them."""

from pathlib import Path

from entrypoints.lint.findings import Finding
from entrypoints.lint.linter import lint_flow
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.documents import Document, InvalidDocument, is_json_file, parse_document, read_text
from entrypoints.simulation.flyte.file_kinds import other_kind
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_text


def load_flow(path: Path, packs: Packs) -> tuple[Flow, list[Finding]]:
    """Loads the flow in a file, and its mistakes. Raises InvalidDocument with all of them if it cannot run."""
    text, is_json = read_text(path), is_json_file(path)
    findings = lint_flow(text, str(path), packs, is_json=is_json)
    try:
        return flow_from_text(text, str(path), is_json=is_json), findings
    except InvalidDocument as error:
        document = parse_if_possible(text, path)
        if kind := other_kind(document.data if document else None, "steps"):
            raise InvalidDocument(kind, str(path)) from error
        raise InvalidDocument("\n".join(map(str, findings)) or str(error)) from error


def parse_if_possible(text: str, path: Path) -> Document | None:
    """Parses the text of a file; None if it is neither YAML nor JSON."""
    try:
        return parse_document(text, str(path), is_json=is_json_file(path))
    except InvalidDocument:
        return None
