"""Edits flows: every text is validated, and replaces the running flow as soon as it is valid."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Final

from entrypoints.lint.findings import Finding
from entrypoints.lint.linter import lint_flow
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file, flow_from_text
from entrypoints.simulation.flyte.flow_yaml import yaml_of
from entrypoints.simulation.web.flow_file import FileUnusable, FlowFile

_SOURCE: Final = "flow"
_BUILT_IN_FILES: Final = tuple(sorted(BUILT_IN.iterdir()))
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
    file: FlowFile | None = None
    """The user's file that the flow comes from."""
    error: str = ""
    line: int = 0
    """Line of the error, counted from 1; 0 if unknown."""
    column: int = 0
    findings: Sequence[Finding] = ()
    """What the linter finds in the text, besides the error."""

    def lint(self, packs: Packs) -> None:
        """Finds the mistakes in the text."""
        at_error = (self.line, self.column) if self.error else None
        found = lint_flow(self.text, _SOURCE, packs, is_json=self.is_json)
        self.findings = [finding for finding in found if (finding.line, finding.column) != at_error]

    def as_json(self, *, is_running: bool) -> object:
        """Returns the draft's current state."""
        return {
            "name": self.flow.name if self.flow else "",
            "text": self.text,
            "is_json": self.is_json,
            "file": self.file.as_json() if self.file else None,
            "is_saved": self.file is not None and self.file.text == self.text,
            "error": self.error,
            "line": self.line,
            "column": self.column,
            "findings": [asdict(finding) for finding in self.findings],
            "is_running": is_running,
        }


class FlowEditor:
    """Drafts of a Flyte's flows. A flow that stands in one of the user's files keeps that text and its comments.

    So does a built-in flow. `known_packs` returns what the linter is to know of packs.
    """

    def __init__(self, flyte: Flyte, files: Iterable[Path] = (), known_packs: Callable[[], Packs] = Packs) -> None:
        self.drafts: Final[dict[str, Draft]] = {}
        self._flyte = flyte
        self._numbers = count(1)
        self._files = tuple(files)
        self._known_packs = known_packs
        self._packs = known_packs()

    def refresh(self) -> None:
        """Adopts the flows that were added, replaced or removed outside the editor."""
        by_name = {draft.flow.name: draft for draft in self.drafts.values() if draft.flow}
        for name, draft in by_name.items():
            if name not in self._flyte.flows:
                del self.drafts[draft.id]
        for name, flow in self._flyte.flows.items():
            known = by_name.get(name)
            if known is None:
                self._add(*self._text_of(flow), flow)
            elif known.flow is not flow:
                self._adopt(known, flow)
        if self._packs != (packs := self._known_packs()):
            self._packs = packs
            for draft in self.drafts.values():
                draft.lint(packs)

    def update(self, draft_id: str, text: str) -> None:
        """Sets a draft's text. It runs at once if it is valid; otherwise the last valid version keeps running.

        Raises DraftNotFound.
        """
        draft = self._draft(draft_id)
        draft.text, draft.error, draft.line, draft.column = text, "", 0, 0
        try:
            flow = flow_from_text(text, _SOURCE, is_json=draft.is_json)
            self._check_name(draft, flow.name)
        except InvalidDocument as error:
            draft.error, draft.line, draft.column = error.reason, error.line, error.column
        else:
            self._run(draft, flow)
        draft.lint(self._packs)

    def create(self, text: str) -> str:
        """Creates a draft; returns its id. Raises TooManyFlows."""
        if len(self.drafts) >= MAX_FLOWS:
            raise TooManyFlows(f"there are already {MAX_FLOWS} flows")
        draft = self._add(text, None, None)
        self.update(draft.id, text)
        return draft.id

    async def save(self, draft_id: str, text: str, version: str) -> FlowFile:
        """Sets a draft's text, and writes it to the file it comes from, if that still has its text of this version.

        Returns the file. Raises DraftNotFound, and FileUnusable.
        """
        self.update(draft_id, text)
        file = self._file_of(draft_id)
        await asyncio.to_thread(file.save, text, version)
        return file

    async def load(self, draft_id: str) -> FlowFile:
        """Replaces a draft's text by that of the file it comes from. Returns the file. Raises as `save` does."""
        file = self._file_of(draft_id)
        self.update(draft_id, await asyncio.to_thread(file.load))
        return file

    def delete(self, draft_id: str) -> None:
        """Deletes a draft and its flow; runs that have started continue. Raises DraftNotFound."""
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

    def _file_of(self, draft_id: str) -> FlowFile:
        file = self._draft(draft_id).file
        if file is None:
            raise FileUnusable("this flow comes from no file of yours: download it instead")
        return file

    def _add(self, text: str, file: FlowFile | None, flow: Flow | None) -> Draft:
        draft = Draft(f"flow-{next(self._numbers)}", text, text.lstrip().startswith("{"), flow, file)
        draft.lint(self._packs)
        self.drafts[draft.id] = draft
        return draft

    def _adopt(self, draft: Draft, flow: Flow) -> None:
        """Replaces a draft by the flow that Flyte runs instead, unless that is the file's text, which is known here."""
        text, file = self._text_of(flow)
        if draft.flow and file and draft.file and file.text == draft.file.text:
            self._flyte.add_flow(draft.flow)
            return
        draft.text, draft.file, draft.flow, draft.error = text, file or draft.file, flow, ""
        draft.lint(self._packs)

    def _run(self, draft: Draft, flow: Flow) -> None:
        if draft.flow and draft.flow.name != flow.name:
            self._flyte.remove_flow(draft.flow.name)
        draft.flow = flow
        self._flyte.add_flow(flow)

    def _text_of(self, flow: Flow) -> tuple[str, FlowFile | None]:
        """Returns the text of the file that defines exactly this flow and the file if it is the user's.

        For a flow from elsewhere the text is its YAML.
        """
        for path in (*self._files, *_BUILT_IN_FILES):
            with suppress(OSError, ValueError, InvalidDocument):
                if flow_from_file(path).source == flow.source:
                    text = path.read_text(encoding="utf-8")
                    return text, FlowFile(path, text) if path in self._files else None
        return yaml_of(flow), None

    def _check_name(self, draft: Draft, name: str) -> None:
        own_name = draft.flow.name if draft.flow else ""
        if name != own_name and name in self._flyte.flows:
            raise InvalidDocument(f"name: another flow has the name {name}", _SOURCE)
