"""Loads flow files together with what the linter finds in them."""

from pathlib import Path

from entrypoints.lint.findings import Finding
from entrypoints.lint.linter import lint_flow
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.documents import InvalidDocument, is_json_file, read_text
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_text


def load_flow(path: Path, packs: Packs) -> tuple[Flow, list[Finding]]:
    """Loads the flow in a file, and its mistakes. Raises InvalidDocument with all of them if it cannot run."""
    text, is_json = read_text(path), is_json_file(path)
    findings = lint_flow(text, str(path), packs, is_json=is_json)
    try:
        return flow_from_text(text, str(path), is_json=is_json), findings
    except InvalidDocument as error:
        raise InvalidDocument("\n".join(map(str, findings)) or str(error)) from error
