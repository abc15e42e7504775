"""The desk on which flows are written: every text is checked, and runs at once when nothing is wrong with it."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import yaml

from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_file, flow_from_text

_WHERE: Final = "flow"
_PLACE: Final = re.compile(rf"{_WHERE}(?::(?P<line>\d+))?(?::(?P<column>\d+))?: (?P<reason>.*)", re.DOTALL)
MAX_FLOWS: Final = 200


class DraftNotFound(LookupError):
    """There is no sheet of that id."""


class TooManyFlows(Exception):
    """There are too many flows to write another."""


@dataclass(slots=True)
class Draft:
    """A flow's text, and the flow that was last read from it without a mistake; None: there has been none."""

    id: str
    text: str
    is_json: bool
    flow: Flow | None
    error: str = ""
    line: int = 0
    """Where the error is, counted from 1; 0: nowhere in particular."""
    column: int = 0

    def as_json(self, *, is_running: bool) -> object:
        """The sheet as it is now."""
        return {
            "name": self.flow.name if self.flow else "",
            "text": self.text,
            "error": self.error,
            "line": self.line,
            "column": self.column,
            "is_running": is_running,
        }


class FlowEditor:
    """The sheets of a Flyte's flows. `files` are read for their text, comments and all; other flows are written out."""

    def __init__(self, flyte: Flyte, files: Iterable[Path] = ()) -> None:
        self.drafts: Final[dict[str, Draft]] = {}
        self._flyte = flyte
        self._numbers = count(1)
        self._files = tuple(files)

    def refresh(self) -> None:
        """Have a sheet for every flow that runs, whoever brought it, and none for flows that somebody else removed."""
        by_name = {sheet.flow.name: sheet for sheet in self.drafts.values() if sheet.flow}
        for name, sheet in by_name.items():
            if name not in self._flyte.flows:
                del self.drafts[sheet.id]
        for name, flow in self._flyte.flows.items():
            known = by_name.get(name)
            if known is None:
                self._add(self._text_of(flow), flow)
            elif known.flow is not flow:
                known.text, known.flow, known.error = self._text_of(flow), flow, ""

    def update(self, sheet_id: str, text: str) -> None:
        """Put another text on a sheet; it runs from now on if it is right, and otherwise what ran before goes on."""
        sheet = self._sheet(sheet_id)
        sheet.text, sheet.error, sheet.line, sheet.column = text, "", 0, 0
        try:
            flow = flow_from_text(text, _WHERE, is_json=sheet.is_json)
            self._check_name(sheet, flow.name)
        except InvalidDocument as refusal:
            self._note_error(sheet, str(refusal))
            return
        if sheet.flow and sheet.flow.name != flow.name:
            self._flyte.remove_flow(sheet.flow.name)
        sheet.flow = flow
        self._flyte.add_flow(flow)

    def create(self, text: str) -> str:
        """Begin another flow; returns the sheet's id. Raises DeskFullError."""
        if len(self.drafts) >= MAX_FLOWS:
            raise TooManyFlows(f"there are {MAX_FLOWS} flows already")
        sheet = self._add(text, None)
        self.update(sheet.id, text)
        return sheet.id

    def delete(self, sheet_id: str) -> None:
        """Remove a sheet, and begin no more runs of its flow. Raises NotOnDeskError."""
        sheet = self._sheet(sheet_id)
        if sheet.flow:
            self._flyte.remove_flow(sheet.flow.name)
        del self.drafts[sheet_id]

    def is_running(self, sheet: Draft) -> bool:
        """Whether the engine runs a flow of this sheet, be it an earlier text."""
        return sheet.flow is not None and self._flyte.flows.get(sheet.flow.name) is sheet.flow

    def _sheet(self, sheet_id: str) -> Draft:
        if sheet_id not in self.drafts:
            raise DraftNotFound(f"there is no flow {sheet_id} any more")
        return self.drafts[sheet_id]

    def _add(self, text: str, flow: Flow | None) -> Draft:
        sheet = Draft(f"flow-{next(self._numbers)}", text, text.lstrip().startswith("{"), flow)
        self.drafts[sheet.id] = sheet
        return sheet

    def _text_of(self, flow: Flow) -> str:
        """As a file has it, if one says just this; otherwise written out."""
        for path in self._files:
            with suppress(OSError, ValueError, InvalidDocument):
                if flow_from_file(path).source == flow.source:
                    return path.read_text(encoding="utf-8")
        return yaml.safe_dump(dict(flow.source), sort_keys=False, allow_unicode=True, width=100)

    def _check_name(self, sheet: Draft, name: str) -> None:
        own_name = sheet.flow.name if sheet.flow else ""
        if name != own_name and name in self._flyte.flows:
            raise InvalidDocument(f"{_WHERE}: name: another flow is called {name}")

    @staticmethod
    def _note_error(sheet: Draft, message: str) -> None:
        match = _PLACE.fullmatch(message)
        sheet.error = match["reason"] if match else message
        sheet.line = int(match["line"] or 0) if match else 0
        sheet.column = int(match["column"] or 0) if match else 0
