"""Checks of conditions: criteria that are never a boolean, and comparisons whose result is always the same."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, StepText, TemplateAt
from entrypoints.lint.name_chains import chain_of
from entrypoints.lint.packs import Packs
from entrypoints.lint.value_types import Kind, can_render_as, kind_of, kind_of_sample
from entrypoints.simulation.flyte.step_evaluator import BOOLEANS
from entrypoints.simulation.pongo2.expressions import Binary, Expression, Literal

_EQUALITY: Final = ("==", "!=", "<>")
_PAYLOAD: Final = ("Event", "Payload")
_OF_NO_TEXT: Final = {
    Kind.OBJECT: "compare one of its values",
    Kind.LIST: "compare one of its items, or search it with in",
    Kind.TIME: "compare what .Format makes of the time",
}
"""What to compare with a text instead."""


def criteria_without_a_boolean(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """Criteria that never render as a boolean, so that the step never runs."""
    for step in flow.steps:
        for at in step.templates:
            document = at.template.document
            is_checked = at.part == "criteria" and at.template.source and "\n" not in at.template.source
            if not is_checked or document is None:
                continue
            if not can_render_as(document, BOOLEANS, partial(_kind_of_name, step, at, packs)):
                yield Problem(at.path, f"the criteria can never be True or False; {_advice(at)}", 0)


def comparisons_of_other_types(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A comparison of values of different types, which are never equal."""
    for step in flow.steps:
        for at in step.templates:
            for expression in at.template.expressions:
                if isinstance(expression, Binary) and expression.operator in _EQUALITY:
                    yield from _comparison(expression, step, at, packs)


def _comparison(binary: Binary, step: StepText, at: TemplateAt, packs: Packs) -> Iterator[Problem]:
    left, right = (kind_of(side, partial(_kind_of_name, step, at, packs)) for side in (binary.left, binary.right))
    literal = next((side for side in (binary.left, binary.right) if isinstance(side, Literal)), None)
    other = binary.right if literal is binary.left else binary.left
    is_json = _is_payload(other, at)
    offset = binary.position.offset(at.template.source)
    result = "never equal" if binary.operator == "==" else "always different"
    if literal is not None and is_json and type(literal.value) is int:
        message = f"a number of JSON and an integer are {result}; write {_words(other, at)}|integer"
        yield Problem(at.path, message, offset)
    elif _differ(left, right):
        message = f"{left.words} and {right.words} are {result}; {_comparison_advice(left, right)}"
        yield Problem(at.path, message, offset)


def _differ(left: Kind, right: Kind) -> bool:
    """Whether values of these types are never equal."""
    if Kind.NEGATED in (left, right):
        return Kind.TEXT in (left, right)
    return left is not right and Kind.UNKNOWN not in (left, right)


def _comparison_advice(left: Kind, right: Kind) -> str:
    kinds = {left, right}
    if kinds == {Kind.NEGATED, Kind.TEXT}:
        return "write not (... == ...) in parentheses, or !="
    if kinds == {Kind.BOOLEAN, Kind.TEXT}:
        return "write the boolean alone, or after not"
    if Kind.TEXT in kinds:
        numbers = "put the number in quotes, or apply |integer to the text"
        return next((advice for kind, advice in _OF_NO_TEXT.items() if kind in kinds), numbers)
    return "compare values of one type"


def _is_payload(expression: Expression, at: TemplateAt) -> bool:
    chain = chain_of(expression, at.template)
    return chain is not None and chain.parts[: len(_PAYLOAD)] == _PAYLOAD


def _words(expression: Expression, at: TemplateAt) -> str:
    chain = chain_of(expression, at.template)
    return ".".join(map(str, chain.parts)) if chain else "the value"


def _kind_of_name(step: StepText, at: TemplateAt, packs: Packs, expression: Expression) -> Kind:
    """Returns the type of a name's value in a template of a step."""
    chain = chain_of(expression, at.template)
    if chain is None:
        return Kind.UNKNOWN
    match chain.parts:
        case ("Event", "Payload", *rest):
            payload = packs.payload(step.event.pack, step.event.name)
            sample = payload.sample if payload else None
            for part in rest:
                sample = sample.get(part) if isinstance(sample, dict) else None
            return kind_of_sample(sample)
        case ("Event", "CreatedAt" | "ReceivedAt"):
            return Kind.TIME
        case ("Context",):
            return Kind.OBJECT
        case ("Context", _):
            return Kind.TEXT
    return Kind.UNKNOWN


def _advice(at: TemplateAt) -> str:
    source = at.template.source
    if at.template.is_constant:
        return "write the condition between {{ and }}"
    if source.strip() != source:
        return "remove the spaces around the braces"
    if source.startswith("{{") and source.endswith("}}") and "}}" in source[:-2]:
        return "put the whole condition between one pair of braces, with && between its parts"
    return "compare the value, as in {{ Event.Payload.message == 'yes' }}"
