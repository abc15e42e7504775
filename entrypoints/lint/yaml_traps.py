"""Checks of values that YAML reads as something other than they look."""

import re
from collections.abc import Iterator
from typing import Final

from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document, mark_at
from entrypoints.simulation.flyte.yaml_reader import Scalar

_COMMENT: Final = re.compile(r"[ \t]+(#+)(?=([^\s#!]?))")
_DROPPED: Final = re.compile(r"(?:!(?![!<])|&)\S+")
"""A tag of the file's own, or an anchor."""
_SLASH_COMMENT: Final = re.compile(r"(?:^|\s)//(?:\s|$)")
_NAMES: Final = frozenset({"packName", "name", "id", "dependsOn"})
_BOOLEANS: Final = frozenset({"true", "false"})
_KEY: Final = re.compile(r"[A-Za-z]+")
_CHANGED_NUMBER: Final = re.compile(r"[+-]?0\d+|\+\d+|[+-]?\d+\.\d*0|[+-]?[\d.]*_[\d._]*")
"""Leading and trailing zeros, a plus and underscores get lost."""
_BRACKETS: Final = ("()", "[]", "{}")


def comments_in_texts(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A text that ends where ` #` begins a comment."""
    for path, scalar in _plain_scalars(flow):
        value = flow.document.value(path)
        found = _COMMENT.match(flow.document.text, scalar.end)
        if found is None or not isinstance(value, str | None):
            continue
        if found[2] or (value and _is_cut(value)):
            what = f"so the text is only '{value}'" if value else "so the value is empty"
            mark = mark_at(flow.document.text, found.start(1))
            yield Problem(path, f"' #' begins a comment, {what}; put the whole text in quotes", mark=mark)


def has_lost_its_value(document: Document, path: KeyPath) -> bool:
    """Whether YAML reads the apparent value at a path as something else, as in `channel: #ops`."""
    scalar = document.scalar(path)
    if scalar is None:
        return False
    found = _COMMENT.match(document.text, scalar.end)
    is_comment = found is not None and bool(found[2])
    is_dropped = bool(_dropped_word(document.text, document.text[scalar.start : scalar.end]))
    return is_comment or is_dropped or is_rest_of_a_text(document, path)


def is_rest_of_a_text(document: Document, path: KeyPath) -> bool:
    """Whether a key has no colon, and stands behind a comma within braces, as in `{message: hello, world}`."""
    scalar, mark = document.scalar(path), document.mark(path)
    if scalar is None or mark is None or scalar.start != scalar.end or isinstance(path[-1], int):
        return False
    return ":" not in document.text[mark.index : scalar.end + 1] and document.value(path) is None


def slash_comments(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A comment that begins with `//`, which is a part of the text in YAML."""
    yield from flow.repairs.get("slash-comment", ())
    for path, _scalar in _plain_scalars(flow):
        value = flow.document.value(path)
        is_name = path[-1] in _NAMES or "dependsOn" in path
        found = _SLASH_COMMENT.search(value) if isinstance(value, str) else None
        if found is not None and (is_name or found.start() == 0):
            message = "'//' begins no comment in YAML, and belongs to the value; write # instead"
            yield Problem(path, message, found.group().index("//") + found.start())


def unquoted_templates(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A template without quotes, which YAML reads as an object."""
    yield from flow.repairs.get("unquoted-template", ())


def unquoted_texts(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A text that begins with, or contains, what has a meaning in YAML, and needs quotes."""
    yield from flow.repairs.get("unquoted-text", ())
    for path, scalar in _plain_scalars(flow):
        written = flow.document.text[scalar.start : scalar.end]
        mark = mark_at(flow.document.text, scalar.start)
        if mark_word := _dropped_word(flow.document.text, written):
            quoted = "'" + written.replace("'", "''") + "'"
            yield Problem(path, f"YAML drops {mark_word} from this text; put it in quotes: {quoted}", mark=mark)
    for path, _place in flow.document.places() if not flow.is_json else ():
        if is_rest_of_a_text(flow.document, path):
            about = "within braces a comma ends the text before it, so that this is a key"
            yield Problem(path, f"{about}; put the whole text in quotes")


def quotes_in_quotes(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A quote within a text in the same quotes, which ends it."""
    yield from flow.repairs.get("quotes-in-quotes", ())


def unclosed_quotes(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A quote that is not closed, so that the text goes on over the next keys."""
    yield from flow.repairs.get("unclosed-quote", ())


def unreadable_files(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """What YAML cannot read."""
    yield from flow.repairs.get("unreadable", ())


def changed_numbers(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A number that YAML changes, such as `1.10` or `007`."""
    for path, scalar in _plain_scalars(flow):
        value = flow.document.value(path)
        written = flow.document.text[scalar.start : scalar.end]
        if type(value) in (int, float) and _CHANGED_NUMBER.fullmatch(written) and written != str(value):
            message = f"{written} is the number {value} in YAML; put it in quotes if it is a text"
            yield Problem(path, message, mark=mark_at(flow.document.text, scalar.start))


def boolean_texts(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A word such as `yes` or `off`, of which YAML makes a boolean."""
    for path, scalar in _plain_scalars(flow):
        value = flow.document.value(path)
        written = flow.document.text[scalar.start : scalar.end]
        if isinstance(value, bool) and written.lower() not in _BOOLEANS:
            message = f"{written} is the boolean {str(value).lower()} in YAML; put it in quotes if it is a text"
            yield Problem(path, message, mark=mark_at(flow.document.text, scalar.start))


def boolean_keys(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A key such as `y` or `on`, of which YAML makes a boolean."""
    for path, place in flow.document.places():
        written = _KEY.match(flow.document.text, place.mark.index)
        if path[-1] in _BOOLEANS and written and written[0] not in _BOOLEANS:
            yield Problem(path, f"the key {written[0]} is the boolean {path[-1]} in YAML; put it in quotes")


def _plain_scalars(flow: FlowText) -> Iterator[tuple[KeyPath, Scalar]]:
    """Yields the scalars without quotes, unless the flow is JSON."""
    if not flow.is_json:
        for path, place in flow.document.places():
            if place.scalar is not None and not place.scalar.style:
                yield path, place.scalar


def _dropped_word(text: str, written: str) -> str:
    """Returns the word at the beginning of a scalar that YAML takes for a tag, or for an anchor that nothing uses."""
    found = _DROPPED.match(written)
    is_used = found is not None and re.search(rf"\*{re.escape(found[0][1:])}(?![\w-])", text) is not None
    return found[0] if found and not is_used else ""


def _is_cut(text: str) -> bool:
    """Whether a text ends within brackets or backticks."""
    return any(text.count(opening) > text.count(closing) for opening, closing in _BRACKETS) or text.count("`") % 2 == 1
