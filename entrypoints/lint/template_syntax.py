"""Checks of templates that cannot work, and of texts that only look like templates."""

import re
from collections.abc import Iterator
from typing import Final

from entrypoints.lint.escapes import unintended_escapes
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, TemplateAt
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.pongo2.errors import TemplateError, UnknownEscape, UnknownFilter
from entrypoints.simulation.pongo2.expressions import Filtered, Literal

_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LOOKS_LIKE_CODE: Final = re.compile(r"\b(?:Event\.Payload|Context\.[A-Za-z_])[\w.]*\b")
_ESCAPED_CLASS: Final = re.compile(r"\\\\[sdwbSDWB](?![A-Za-z0-9_])")
_UNEXPECTED: Final = ("expected ", "'")
"""How the errors of something unexpected begin."""
_SLIPS: Final = (
    (re.compile(r"(?:AND|OR|NOT)\b"), "write and, or and not in small letters"),
    (re.compile(r"=(?!=)"), "write == to compare"),
    (re.compile(r"\?"), "write {% if ... %}...{% else %}...{% endif %}"),
    (re.compile(r"\["), "write .name for a key, or .0 for an item"),
    (re.compile(r"is\b"), "write == or !="),
    (re.compile(r"[\"']"), "write a colon before the argument of a filter"),
    (re.compile(r"\("), "write a colon before the argument of a filter, without parentheses"),
)
"""Habits from other languages, and what to write instead."""
_PATTERN_FILTERS: Final = ("match", "extractMatch")


def unknown_filters(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A filter that templates do not have."""
    return (problem for error, problem in _errors(flow) if isinstance(error, UnknownFilter))


def template_errors(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A template that the server cannot parse, or that fails whenever it is evaluated."""
    return (problem for error, problem in _errors(flow) if not isinstance(error, UnknownFilter))


def missing_braces(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """Text that names the event or the context outside of `{{ }}`."""
    for step in flow.steps:
        for at in step.templates:
            plain = _CODE.sub(lambda code: " " * len(code[0]), at.template.source)
            is_reported = bool(at.template.problems) or at.part == "criteria"
            if not is_reported and (found := _LOOKS_LIKE_CODE.search(plain)):
                message = f"{found[0]} is plain text here; write {{{{ {found[0]} }}}} to get its value"
                yield Problem(at.path, message, found.start())


def templates_where_none_are(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A template in a place that the server does not evaluate."""
    for path in (("name",), ("description",)):
        yield from _unevaluated(flow.document.value(path), path)
    for step in flow.steps:
        yield from _unevaluated(step.id, (*step.path, "id"))
        for reference in (step.event, step.command):
            yield from _unevaluated(reference.pack, (*reference.path, "packName"))
            yield from _unevaluated(reference.name, (*reference.path, "name"))
        yield from _unevaluated_keys(step.context, (*step.path, "context"))
        yield from _unevaluated_keys(step.input, (*step.command.path, "input"))


def escaped_classes(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A regular expression that looks for a backslash, where a class of characters is meant."""
    for step in flow.steps:
        for at in step.templates:
            for expression in at.template.expressions:
                if isinstance(expression, Filtered):
                    yield from _escaped_classes(expression, at)


def _errors(flow: FlowText) -> Iterator[tuple[TemplateError, Problem]]:
    """Yields the errors of templates, except those that come from an escape of YAML."""
    for step in flow.steps:
        for at in step.templates:
            for error in () if unintended_escapes(flow.document, at.path) else at.template.problems:
                message = error.message + _advice(flow.document, at, error)
                yield error, Problem(at.path, message, error.offset(at.template.source))


def _advice(document: Document, at: TemplateAt, error: TemplateError) -> str:
    """Returns what to write if the quotes around a template are the reason of its error."""
    scalar, source = document.scalar(at.path), at.template.source
    if error.message.startswith(_UNEXPECTED):
        for pattern, advice in _SLIPS:
            if pattern.match(source, error.offset(source)):
                return f"; {advice}"
    if isinstance(error, UnknownEscape):
        if scalar is not None and scalar.style == '"':
            return "; write four backslashes in double quotes, or two in single quotes"
        return "; write two backslashes"
    if scalar is not None and scalar.style == "'" and "''" in document.text[scalar.start : scalar.end]:
        return "; within single quotes '' is one quote: write double quotes inside"
    return ""


def _escaped_classes(expression: Filtered, at: TemplateAt) -> Iterator[Problem]:
    for call in expression.filters:
        literal = call.argument.value if isinstance(call.argument, Literal) else None
        if call.name not in _PATTERN_FILTERS or not isinstance(literal, str):
            continue
        if found := _ESCAPED_CLASS.search(literal):
            kind = found.group()[-1]
            message = f"the pattern looks for a backslash and the letter {kind}; halve the backslashes before {kind}"
            yield Problem(at.path, message, call.position.offset(at.template.source))


def _unevaluated(text: object, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(text, str) and (found := _CODE.search(text)):
        yield Problem(path, "Flyte evaluates no template here; write the text itself", found.start())


def _unevaluated_keys(tree: object, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(tree, dict):
        for key, item in tree.items():
            if _CODE.search(str(key)):
                yield Problem((*path, key), "Flyte evaluates no template in a key; write the key itself")
            yield from _unevaluated_keys(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _unevaluated_keys(item, (*path, index))
