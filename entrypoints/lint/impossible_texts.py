"""Checks of conditions that compare a value of a payload with a text that it never is."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from application.catalog.events import EVENTS_BY_NAME
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, TemplateAt
from entrypoints.lint.name_chains import chain_of
from entrypoints.lint.packs import Packs
from entrypoints.lint.words import either
from entrypoints.simulation.pongo2.expressions import Binary, Expression, Filtered, Literal

_EQUALITY: Final = ("==", "!=", "<>")
_PAYLOAD: Final = ("Event", "Payload")
_ANCHORED: Final = re.compile(r"\^(?P<start>[\w/@#:]\w*)")
"""A pattern for the beginning of a text, as far as it is plain."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What the values of a key begin with, and are as a whole; the advice is what to write in place of another text."""

    start: str
    whole: str
    advice: Callable[[str], str]


def _one_of(*words: str) -> _Form:
    return _Form("", "|".join(words), lambda _: f"write {either(words)}")


def _id(example: str) -> _Form:
    return _Form("[^#@]", "[^#@a-z][^a-z]*", lambda _: f"write the id, such as {example}")


_FORMS: Final[Mapping[str, _Form]] = {
    "command": _Form("/", "/.*", lambda text: f"write /{text}, as people type it"),
    "reaction": _Form("[^:]", "[^:]*", lambda text: f"write {text.strip(':')}, without colons"),
    "channelId": _id("C024BE91L"),
    "channelName": _Form("[^#]", "[^#].*", lambda text: f"write {text.lstrip('#')}, without the #"),
    "user.id": _id("U023BECGF"),
    "itemUser.id": _id("U023BECGF"),
    "channelType": _one_of("channel", "group", "im", "mpim"),
    "shortcutType": _one_of("global", "message"),
}
"""The values of keys whose form Slack determines; empty ones are possible everywhere."""


def comparisons_with_impossible_texts(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A comparison of a payload's value with a text that it never is, such as a command without its slash."""
    for step in flow.steps:
        if step.event.pack != packs.slack or packs.meant_event(step.event.name) not in EVENTS_BY_NAME:
            continue  # the answers to commands repeat the input, whatever it is
        for at in step.templates:
            for expression in at.template.expressions:
                yield from _problem(expression, at)


def _problem(expression: Expression, at: TemplateAt) -> Iterator[Problem]:
    match expression:
        case Binary(operator, Literal(str(text)), value) | Binary(operator, value, Literal(str(text))):
            key, form = _form(value, at)
            if operator in _EQUALITY and form and text and not re.fullmatch(form.whole, text, re.DOTALL):
                message = f"{key} is never {text}; {form.advice(text)}"
                yield Problem(at.path, message, expression.position.offset(at.template.source))
        case Filtered(value, (call, *_)) if call.name == "match" and isinstance(call.argument, Literal):
            key, form = _form(value, at)
            found = _ANCHORED.match(str(call.argument.value))
            if form and found and not re.match(form.start, found["start"]):
                chain = chain_of(value, at.template)
                message = f"{key} never begins with {found['start']}; {form.advice(found['start'])}"
                yield Problem(at.path, message, chain.offset if chain else None)


def _form(value: Expression, at: TemplateAt) -> tuple[str, _Form | None]:
    """Returns the key of a payload that an expression reads, and the form of its values if that is known."""
    chain = chain_of(value, at.template)
    if chain is None or chain.parts[: len(_PAYLOAD)] != _PAYLOAD:
        return "", None
    key = ".".join(map(str, chain.parts[len(_PAYLOAD) :]))
    return key, _FORMS.get(key)
