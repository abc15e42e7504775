"""Checks of input with which a command always fails: values that are none, and blocks and views that Slack refuses."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from application.catalog.specs import CommandSpec
from application.use_cases.schedule_message import time_to_post
from domain.errors import ChatRejected
from domain.json_values import Json
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, has_code, texts
from entrypoints.lint.inputs import input_path, inputs
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.slack.block_kit.check import KNOWN_WORDS, message_errors, view_errors
from entrypoints.simulation.slack.block_kit.constraints import NO_MATCH
from entrypoints.suggestions import most_similar

_WITH_BLOCKS: Final = ("blocks", "attachments", "view")
_EXTERNAL: Final = ("external_select", "multi_external_select")
_BY_ID: Final = ("conversations.", "reactions.", "chat.update", "chat.delete", "chat.getPermalink")
"""The methods that find a channel by its id only; those that post take names too."""
_OTHER_VIEWS: Final = {"OpenModal": ("home",), "PublishHome": ("modal",)}
"""The types of views that a command cannot show."""
_OF_TYPE: Final = ("must provide an ", "must be a boolean")
"""How Slack refuses a text in place of something else, whatever a template makes of the text."""
_MISSING: Final = "missing required field: "
_UNKNOWN: Final = ("unsupported type: ", "invalid additional property: ")
"""How Slack refuses a word that it does not know. It may know more words than this version of the tables."""


def refused_inputs(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A value with which a command always fails: no time, no id, no name of an emoji, or blocks that Slack refuses."""
    for step, spec, given in inputs(flow, packs):
        for name, value in given.items():
            path = (*input_path(step), name)
            if (reason := _reason(spec, name, value)) and not has_code(value):
                yield Problem(path, f"{spec.name} fails: {reason}")
            else:
                content = _content(value)
                for place, message in _refusals(spec, name, content):
                    yield Problem(path if isinstance(value, str) else (*path, *place), message)


def external_selects(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A select whose options the app has to offer, which this pack never does."""
    for step, _, given in inputs(flow, packs):
        for name, value in given.items():
            content = _content(value) if name in _WITH_BLOCKS else None
            for place, text in texts(content, ()):
                if text in _EXTERNAL and place[-1:] == ("type",):
                    instead = text.replace("external", "static")
                    message = f"this pack offers no options for this select; write {instead}, and the options"
                    path = (*input_path(step), name)
                    yield Problem(path if isinstance(value, str) else (*path, *place), message)


def _reason(spec: CommandSpec, name: str, value: Json) -> str:
    """Returns why a command fails with a value, besides for its blocks; empty if it may not."""
    match name, value:
        case "postAt", str() | int() | float() if value:
            return _time_error(value)
        case "channelId", str() if value.startswith("#") and any(one.startswith(_BY_ID) for one in spec.methods):
            return "Slack knows channels by their ids here, such as C024BE91L"
        case "userId", str() if value.startswith("@"):
            return "Slack knows people by their ids, such as U023BECGF"
        case "reaction", str() if value and not re.search(r"\w", value):
            return "a reaction is the name of an emoji, such as eyes"
    return ""


def _time_error(value: str | float) -> str:
    try:
        time_to_post(value)
    except ChatRejected as error:
        return error.explanation
    return ""


def _content(value: Json) -> Any:
    """Returns what Slack gets: Flyte leaves out what is null, and a text may be JSON; None if that is unknown."""
    if not isinstance(value, str):
        return _without_nulls(value)
    try:
        return None if has_code(value) else json.loads(value)
    except ValueError:
        return None


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _refusals(spec: CommandSpec, name: str, content: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yields what Slack refuses in a field, each with its place in it."""
    for error in _slack_errors(spec, name, content):
        rule, _, pointer = error.removesuffix("]").partition(f" [json-pointer:/{name}")
        place = _place(content, pointer)
        advice = _advice(rule, _at(content, place), _at(content, place[:-1]))
        if advice is not None:
            yield place, f"Slack refuses this: {rule}{advice}"


def _slack_errors(spec: CommandSpec, name: str, content: Any) -> Iterator[str]:
    match name, content:
        case "blocks", list():
            yield from message_errors(content)
        case "attachments", list():
            for number, one in enumerate(content):
                if isinstance(one, dict) and "blocks" in one:
                    yield from message_errors(one["blocks"], f"/attachments/{number}/blocks")
        case "view", {"type": str(kind)} if kind in _OTHER_VIEWS.get(spec.name, ()):
            yield f"{spec.name} cannot show a view of type {kind} [json-pointer:/view/type]"
        case "view", dict():
            yield from view_errors(content)


def _advice(rule: str, value: object, whole: object) -> str | None:
    """Returns what to do about a rule that a value breaks; None if it may be right, since a template makes it."""
    word = rule.rpartition(": ")[2]
    if rule.startswith(_UNKNOWN):
        similar = "" if has_code(word) else most_similar(word, KNOWN_WORDS)
        return f"; did you mean {similar}?" if similar not in ("", word) else "" if similar else None
    if rule.startswith(_MISSING):
        return f"; add {word}"
    if rule == NO_MATCH or (_has_code_within(value) and not rule.startswith(_OF_TYPE)):
        return None
    if rule == "must match one of the options" and _has_code_within(whole):
        return None
    if rule == "must provide an object" and isinstance(value, str):
        return "; write it as {type: plain_text, text: ...}"
    return "; write plain_text" if value == "mrkdwn" else ""


def _place(content: Any, pointer: str) -> KeyPath:
    """Returns the way that a JSON pointer names, as far as it exists."""
    way: list[str | int] = []
    for part in pointer.split("/")[1:]:
        value = _at(content, tuple(way))
        way.append(int(part) if isinstance(value, list) else part)
    return tuple(way)


def _at(content: Any, place: KeyPath) -> Any:
    for part in place:
        if isinstance(content, dict):
            content = content.get(part)
        else:
            content = content[part] if isinstance(content, list) and isinstance(part, int) else None
    return content


def _has_code_within(value: Any) -> bool:
    return any(has_code(text) for _, text in texts(value, ()))
