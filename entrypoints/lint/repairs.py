"""Reads flows that are not valid YAML: reports each mistake, and continues with the text that was probably meant.

A repair changes one line and keeps all others where they are.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from entrypoints.lint.findings import Problem
from entrypoints.simulation.flyte.documents import Document, InvalidDocument, mark_at, parse_document

_MOST_REPAIRS: Final = 100
_CUT: Final = re.compile(r",?\s+//(?:\s.*)?$|^\s*\.{4,}\s*$")
_VALUE: Final = re.compile(r"(?P<before>\s*(?:-\s+)*(?:[\w.-]+:\s+)?)(?P<value>\S.*?)(?P<after>\s*)$")
_LINE_START: Final = re.compile(r"\s*(?:-\s+)*")
_KEY_AT_LINE_START: Final = re.compile(r"\s*(?:-\s+)*[\w.\"'-]+")
_TEMPLATE: Final = re.compile(r"(?:\{\{.*?\}\}|\{%.*?%\}|[^{},\]\n])+")
_BRACKETS_FIRST: Final = re.compile(r"(?:\[[^\[\]{}]*\]|\{[^\[\]{}]*\})\s+[^\s#,}\]]")
_QUOTES: Final = "\"'"
_TWO_QUOTES: Final = 2
_BYTE_ORDER_MARK: Final = "\ufeff"
_KEY_LINE: Final = re.compile(r"\n\s*(?:- )?[\w.-]+:(?:\s|$)")
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class _Repair:
    """A mistake, and the text without it."""

    check: str
    message: str
    mark: yaml.Mark
    text: str


def read_flow(text: str, source: str, *, is_json: bool) -> tuple[Document, Mapping[str, tuple[Problem, ...]]]:
    """Returns the document, empty if it cannot be read at all, and the repaired mistakes by the id of their check."""
    repairs: list[_Repair] = []
    while True:
        try:
            document = parse_document(text, source, is_json=is_json)
        except InvalidDocument as error:
            can_repair = not is_json and error.line and len(repairs) < _MOST_REPAIRS
            repair = _repair(text, error) if can_repair else None
            repairs.append(repair or _unreadable(text, error))
            if repair is None:
                document = Document(source, None)
                return document, _problems(repairs, document)
            text = repair.text
        else:
            return document, _problems(repairs, document)


def _problems(repairs: list[_Repair], document: Document) -> dict[str, tuple[Problem, ...]]:
    problems: dict[str, tuple[Problem, ...]] = {}
    for repair in repairs:
        path = document.path_at(repair.mark.line, repair.mark.column)
        problem = Problem(path, repair.message, mark=repair.mark)
        problems[repair.check] = (*problems.get(repair.check, ()), problem)
    return problems


def _repair(text: str, error: InvalidDocument) -> _Repair | None:
    """Returns the first repair after which the text can be read beyond the line of the error."""
    for attempt in _ATTEMPTS:
        repair = attempt(text, error)
        if repair is not None and repair.text != text and _reads_further(repair.text, error):
            return repair
    return None


def _reads_further(text: str, error: InvalidDocument) -> bool:
    try:
        parse_document(text, "", is_json=False)
    except InvalidDocument as next_error:
        return (next_error.line, next_error.column) > (error.line, error.column) or not next_error.line
    return True


def _quote_template(text: str, _: InvalidDocument) -> _Repair | None:
    """Puts the first template that stands where a value begins into quotes."""
    start = _first_bare_template(text)
    found = _TEMPLATE.match(text, start) if start is not None else None
    if found is None or start is None:
        return None
    line_end = (text + "\n").index("\n", start)
    before = text[text.rfind("\n", 0, start) + 1 : start]
    is_nested = before.count("{") + before.count("[") > before.count("}") + before.count("]")
    end = found.end() if is_nested else line_end
    value = text[start:end].rstrip()
    message = f"YAML reads this template as an object; put it in quotes: {_shown(_single_quoted(value))}"
    repaired = text[:start] + _single_quoted(value) + text[start + len(value) :]
    return _Repair("unquoted-template", message, mark_at(text, start), repaired)


def _first_bare_template(text: str) -> int | None:
    """Returns where two braces, or a brace and a percent sign, begin an object."""
    first = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while (token := loader.get_token()) is not None:
            at: int = first + token.start_mark.index
            if isinstance(token, yaml.FlowMappingStartToken) and text[at : at + 2] in ("{{", "{%"):
                return at
    except yaml.MarkedYAMLError as error:
        before = first + error.problem_mark.index - 1 if error.problem_mark else 0
        return before if text[before : before + 2] == "{%" else None
    return None


def _cut_comment(text: str, error: InvalidDocument) -> _Repair | None:
    """Cuts a comment that begins with `//` from the line of the error or the one before."""
    for number in (error.line - 1, error.line - 2):
        lines = text.split("\n")
        found = _CUT.search(lines[number]) if 0 <= number < len(lines) else None
        if found is not None and not _is_in_quotes(lines[number], found.start()):
            start = sum(len(line) + 1 for line in lines[:number]) + found.start()
            lines[number] = lines[number][: found.start()]
            at = start + max(found.group().find("//"), 0)
            message = "this is no comment in YAML; write # before what is for people"
            return _Repair("slash-comment", message, mark_at(text, at), "\n".join(lines))
    return None


def _double_escape(text: str, error: InvalidDocument) -> _Repair | None:
    """Doubles the backslash of an escape that YAML does not know."""
    at = _offset(text, error)
    if "unknown escape" not in error.reason or text[at : at + 1] != "\\":
        return None
    letter = text[at + 1 : at + 2]
    message = f"YAML knows no escape \\{letter}; for a pattern write \\\\\\\\{letter}, or \\\\{letter} in single quotes"
    return _Repair("escape-in-pattern", message, mark_at(text, at), f"{text[:at]}\\\\\\{text[at:]}")


def _quote_text(text: str, error: InvalidDocument) -> _Repair | None:
    """Puts the value in the line of the error into quotes."""
    lines = text.split("\n")
    number = error.line - 1
    found = _VALUE.fullmatch(lines[number]) if number < len(lines) else None
    if found is None or not _is_text(found["value"]) or error.column - 1 < found.start("value"):
        return None
    start = sum(len(line) + 1 for line in lines[:number]) + found.start("value")
    quoted = _single_quoted(found["value"])
    lines[number] = f"{found['before']}{quoted}{found['after']}"
    message = f"YAML reads this text as something else; put it in quotes: {_shown(quoted)}"
    return _Repair("unquoted-text", message, mark_at(text, start), "\n".join(lines))


def _is_text(value: str) -> bool:
    """Whether a value can be a text without quotes, such as `[ops] done`, and is no list or object."""
    return value[0] not in _QUOTES + "[{" or _BRACKETS_FIRST.match(value) is not None


def _close_quote(text: str, _: InvalidDocument) -> _Repair | None:
    """Closes the first quote that is open at the end of its line and continues over lines with other keys."""
    start = _first_open_quote(text)
    if start is None:
        return None
    end = (text + "\n").index("\n", start)
    line = text[start:end].rstrip()
    message = f"the quote is not closed; write {_shown(line + line[0])}"
    return _Repair("unclosed-quote", message, mark_at(text, start), f"{text[:start]}{line}{line[0]}{text[end:]}")


def _first_open_quote(text: str) -> int | None:
    for start, end in _quoted_scalars(text):
        if end > len(text) or _KEY_LINE.search(text, start, end):
            return start
    return None


def _quoted_scalars(text: str) -> Iterator[tuple[int, int]]:
    """Yields the start and end of texts in quotes, up to the first error; one that is never closed ends behind all."""
    first = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while (token := loader.get_token()) is not None:
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                yield first + token.start_mark.index, first + token.end_mark.index
    except yaml.MarkedYAMLError as error:
        if error.context_mark and text[first + error.context_mark.index :][:1] in tuple(_QUOTES):
            yield first + error.context_mark.index, len(text) + 1


def _requote(text: str, error: InvalidDocument) -> _Repair | None:
    """Puts a value into quotes that has quotes of the same kind inside."""
    lines = text.split("\n")
    number = error.line - 1
    found = _VALUE.fullmatch(lines[number]) if number < len(lines) else None
    if found is None or len(found["value"]) < _TWO_QUOTES or found["value"][0] not in _QUOTES:
        return None
    value = found["value"]
    if value[-1] != value[0]:
        return None
    inner = value[1:-1] if value[0] == "'" else value[1:-1].replace("\\\\", "\\")
    lines[number] = f"{found['before']}{_single_quoted(inner)}{found['after']}"
    message = f"a quote within the text ends it; write {_shown(_single_quoted(inner))}"
    return _Repair("quotes-in-quotes", message, mark_at(text, _offset(text, error) - 1), "\n".join(lines))


_ATTEMPTS: Final[tuple[Callable[[str, InvalidDocument], _Repair | None], ...]] = (
    _double_escape,
    _close_quote,
    _quote_template,
    _cut_comment,
    _quote_text,
    _requote,
)


def _unreadable(text: str, error: InvalidDocument) -> _Repair:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        message = f"{cause.msg}, so that Flyte cannot read the flow; correct the JSON"
        return _Repair(_UNREADABLE, message, mark_at(text, cause.pos), text)
    mark = yaml.Mark("", _offset(text, error), error.line - 1, error.column - 1, None, 0)
    check, message = _explain(text, error)
    return _Repair(check, message, mark, text)


def _explain(text: str, error: InvalidDocument) -> tuple[str, str]:
    """Returns the id of the check, and what to do about an error of YAML."""
    lines = text.split("\n")
    line = lines[error.line - 1] if 0 < error.line <= len(lines) else ""
    before, character = line[: error.column - 1], line[error.column - 1 : error.column]
    if "\t" in (character, *_LINE_START.findall(line)):
        return "indentation", "a tab cannot indent YAML; write spaces"
    begins_line = _LINE_START.fullmatch(before) is not None
    if "mapping values are not allowed" in error.reason and _KEY_AT_LINE_START.fullmatch(before):
        return "indentation", "this line is indented deeper than the line before it allows; align it with that line"
    if "did not find expected" in error.reason and begins_line and line:
        return (
            "indentation",
            "this line is indented unlike the lines before it; align it with the key that it belongs to",
        )
    if "expected key" in error.reason and before.rstrip()[-1:] in tuple(_QUOTES):
        return _UNREADABLE, "text follows the end of a value; put the whole text in quotes"
    return _UNREADABLE, f"{error.reason}, so that Flyte cannot read the flow; correct the line"


def _offset(text: str, error: InvalidDocument) -> int:
    lines = text.split("\n")[: error.line - 1]
    return sum(len(line) + 1 for line in lines) + max(error.column - 1, 0)


def _is_in_quotes(line: str, at: int) -> bool:
    return any(line[:at].count(quote) % 2 for quote in _QUOTES)


def _single_quoted(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _shown(value: str) -> str:
    return value if len(value) <= 100 else f"{value[:97]}..."  # noqa: PLR2004 - a line of a terminal
