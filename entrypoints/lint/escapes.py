"""Checks of escapes in YAML and JSON that were meant for a regular expression."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from yaml import Mark

from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document, mark_at

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_CONTROLS: Final = {
    "b": "a backspace character",
    "a": "a bell character",
    "e": "an escape character",
    "f": "a form feed",
    "v": "a vertical tab",
    "0": "a null character",
}
"""Characters that no text contains."""
_OTHERS: Final = {
    "n": "a line break",
    "t": "a tab",
    "r": "a carriage return",
    "N": "a line break",
    "L": "a line break",
    "P": "a line break",
    "_": "a space",
}
"""Characters that a text can contain, but not the code of a template."""


class Escape(NamedTuple):
    """An escape, the character that YAML makes of it, and where it stands."""

    letter: str
    meaning: str
    mark: Mark


def escapes_in_patterns(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """An escape in double quotes, of which YAML makes another character before the template is read."""
    yield from flow.repairs.get("escape-in-pattern", ())
    for step in flow.steps:
        for at in step.templates:
            for letter, meaning, mark in unintended_escapes(flow.document, at.path):
                quotes = "JSON" if flow.is_json else "double quotes"
                advice = f"write \\\\\\\\{letter}" + ("" if flow.is_json else f", or \\\\{letter} in single quotes")
                yield Problem(at.path, f"\\{letter} in {quotes} is {meaning}; for a pattern {advice}", mark=mark)


def unintended_escapes(document: Document, path: KeyPath) -> list[Escape]:
    """Returns the escapes in the scalar at a path that can hardly be meant."""
    scalar = document.scalar(path)
    if scalar is None or scalar.style != '"':
        return []
    raw = document.text[scalar.start : scalar.end]
    codes = [code.span() for code in _CODE.finditer(raw)]
    found = []
    for escape in _ESCAPE.finditer(raw):
        is_in_code = any(start <= escape.start() < end for start, end in codes)
        meaning = _CONTROLS.get(escape[1]) or (_OTHERS.get(escape[1]) if is_in_code else None)
        if meaning:
            found.append(Escape(escape[1], meaning, mark_at(document.text, scalar.start + escape.start())))
    return found
