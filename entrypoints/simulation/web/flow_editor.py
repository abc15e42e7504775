"""Edits flows: every text is validated, and replaces the running flow as soon as it is valid."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Final

import yaml

from entrypoints.lint.findings import Finding
from entrypoints.lint.linter import lint_flow
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_file, flow_from_text

_SOURCE: Final = "flow"
MAX_FLOWS: Final = 200


class DraftNotFound(LookupError):
    """There is no draft with that id."""


class TooManyFlows(Exception):
    """There are too many flows to create another."""


@dataclass(slots=True)
class Draft:
    """A flow's text, and the flow last read from it without an error; None if there was none yet."""

    id: str
    text: str
    is_json: bool
    flow: Flow | None
    error: str = ""
    line: int = 0
    """Line of the error, counted from 1; 0 if unknown."""
    column: int = 0

    @property
    def findings(self) -> list[Finding]:
        """What the linter finds in the text, besides the error."""
        at_error = (self.line, self.column) if self.error else None
        found = _findings(self.text, is_json=self.is_json)
        return [finding for finding in found if (finding.line, finding.column) != at_error]

    def as_json(self, *, is_running: bool) -> object:
        """Returns the draft's current state."""
        return {
            "name": self.flow.name if self.flow else "",
            "text": self.text,
            "error": self.error,
            "line": self.line,
            "column": self.column,
            "findings": [asdict(finding) for finding in self.findings],
            "is_running": is_running,
        }


@lru_cache(maxsize=MAX_FLOWS)
def _findings(text: str, *, is_json: bool) -> tuple[Finding, ...]:
    return tuple(lint_flow(text, _SOURCE, is_json=is_json))


class FlowEditor:
    """Drafts of a Flyte's flows. A flow that stands in one of `files` keeps that text and its comments."""

    def __init__(self, flyte: Flyte, files: Iterable[Path] = ()) -> None:
        self.drafts: Final[dict[str, Draft]] = {}
        self._flyte = flyte
        self._numbers = count(1)
        self._files = tuple(files)

    def refresh(self) -> None:
        """Adopt the flows that were added, replaced or removed outside the editor."""
        by_name = {draft.flow.name: draft for draft in self.drafts.values() if draft.flow}
        for name, draft in by_name.items():
            if name not in self._flyte.flows:
                del self.drafts[draft.id]
        for name, flow in self._flyte.flows.items():
            known = by_name.get(name)
            if known is None:
                self._add(self._text_of(flow), flow)
            elif known.flow is not flow:
                known.text, known.flow, known.error = self._text_of(flow), flow, ""

    def update(self, draft_id: str, text: str) -> None:
        """Set a draft's text. It runs at once if it is valid; otherwise the last valid version keeps running.

        Raises DraftNotFound.
        """
        draft = self._draft(draft_id)
        draft.text, draft.error, draft.line, draft.column = text, "", 0, 0
        try:
            flow = flow_from_text(text, _SOURCE, is_json=draft.is_json)
            self._check_name(draft, flow.name)
        except InvalidDocument as error:
            draft.error, draft.line, draft.column = error.reason, error.line, error.column
            return
        if draft.flow and draft.flow.name != flow.name:
            self._flyte.remove_flow(draft.flow.name)
        draft.flow = flow
        self._flyte.add_flow(flow)

    def create(self, text: str) -> str:
        """Create a draft; returns its id. Raises TooManyFlows."""
        if len(self.drafts) >= MAX_FLOWS:
            raise TooManyFlows(f"there are already {MAX_FLOWS} flows")
        draft = self._add(text, None)
        self.update(draft.id, text)
        return draft.id

    def delete(self, draft_id: str) -> None:
        """Delete a draft and its flow; runs that have started continue. Raises DraftNotFound."""
        draft = self._draft(draft_id)
        if draft.flow:
            self._flyte.remove_flow(draft.flow.name)
        del self.drafts[draft_id]

    def is_running(self, draft: Draft) -> bool:
        """Whether Flyte runs the last valid version of this draft."""
        return draft.flow is not None and self._flyte.flows.get(draft.flow.name) is draft.flow

    def _draft(self, draft_id: str) -> Draft:
        if draft_id not in self.drafts:
            raise DraftNotFound(f"flow {draft_id} no longer exists")
        return self.drafts[draft_id]

    def _add(self, text: str, flow: Flow | None) -> Draft:
        draft = Draft(f"flow-{next(self._numbers)}", text, text.lstrip().startswith("{"), flow)
        self.drafts[draft.id] = draft
        return draft

    def _text_of(self, flow: Flow) -> str:
        """Returns the text of the file that defines exactly this flow, otherwise the flow as YAML."""
        for path in self._files:
            with suppress(OSError, ValueError, InvalidDocument):
                if flow_from_file(path).source == flow.source:
                    return path.read_text(encoding="utf-8")
        return yaml.safe_dump(dict(flow.source), sort_keys=False, allow_unicode=True, width=100)

    def _check_name(self, draft: Draft, name: str) -> None:
        own_name = draft.flow.name if draft.flow else ""
        if name != own_name and name in self._flyte.flows:
            raise InvalidDocument(f"name: another flow has the name {name}", _SOURCE)
