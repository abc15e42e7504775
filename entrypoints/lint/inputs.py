"""Checks of the input of this pack's commands."""

from collections.abc import Iterator
from typing import Final

from adapters.serialization.command_inputs import parse_command
from application.catalog.commands import COMMANDS_BY_METHOD
from application.catalog.specs import TRACE_PARENT, CommandSpec
from application.use_cases.call_slack import METHOD, NEVER_ALLOWED
from domain.commands import UnreadableCommand
from domain.json_values import JsonObject
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, StepText, has_code
from entrypoints.lint.packs import Packs
from entrypoints.lint.words import either, instead_of
from entrypoints.lint.yaml_traps import has_lost_its_value, is_rest_of_a_text
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.suggestions import most_similar


def missing_inputs(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A required field that the input of a command lacks, or that is empty."""
    for step, spec, given in inputs(flow, packs):
        known = [field.name for field in spec.fields]
        others = [key for key in given if key not in known]
        beside = flow.document.value(step.command.path)
        for group in spec.lacking(given):
            if isinstance(beside, dict) and any(name in beside for name in group):
                continue  # that is a mistake of indentation
            if any(name in given and given[name] is None for name in group):
                continue  # that is reported as empty
            empty = next((name for name in group if name in given), None)
            similar = next((other for name in group if (other := most_similar(name, others))), None)
            if empty is not None:
                message = f"{spec.name} fails, because {empty} is empty; give it a value"
            elif similar:
                message = f"{spec.name} needs {either(group)}, and has {similar} instead; rename it"
            else:
                message = f"{spec.name} needs {either(group)}; add it to the input"
            yield Problem((*input_path(step), *filter(None, (empty or similar,))), message)


_SLACK_NAMES: Final = {"channelId": "channel", "message": "text", "threadTimestamp": "thread_ts"}
"""The fields of this pack's own that Slack's methods call otherwise."""


def unknown_inputs(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A field that a command does not have, and ignores."""
    for step, spec, given in inputs(flow, packs):
        known = [field.name for field in spec.fields]
        lacking = {name for group in spec.lacking(given) for name in group}
        for key in given:
            if key in (*known, TRACE_PARENT) or is_rest_of_a_text(flow.document, (*input_path(step), key)):
                continue  # the rest of a text is reported as text without quotes
            if spec.passes_on:
                slack_name = _SLACK_NAMES.get(key, "")
                if slack_name in known and slack_name not in lacking:
                    message = f"Slack ignores {key}, which {spec.name} passes on; write {slack_name}"
                    yield Problem((*input_path(step), key), message)
            elif most_similar(key, known) not in lacking:
                advice = "send SendRichMessage, which has it" if _is_for_rich(spec, key) else instead_of(key, known)
                yield Problem((*input_path(step), key), f"{spec.name} ignores {key}, which it does not have; {advice}")


def invalid_inputs(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A value that a command cannot have, so that it is answered with `FATAL`."""
    for step in flow.steps:
        spec = packs.command(step.command.pack, step.command.name)
        if spec is not None and not isinstance(step.input, dict | None):
            keys = either([field.name for field in spec.fields])
            yield Problem(input_path(step), f"the input of {spec.name} must be an object; write keys such as {keys}")
    for step, spec, given in inputs(flow, packs):
        for field in spec.fields:
            value = given.get(field.name)
            command = None if has_code(value) else parse_command(spec.name, {field.name: value})
            if isinstance(command, UnreadableCommand):
                advice = f"{command.reason}, so that {spec.name} is answered with FATAL; {_repaired(value)}"
                yield Problem((*input_path(step), field.name), advice)


def empty_values(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A key of the input without a value, which Flyte leaves out."""
    for step in flow.steps:
        for path in _empty_keys(step.input, input_path(step)):
            if not has_lost_its_value(flow.document, path):
                yield Problem(path, "this is empty, so that Flyte leaves it out; give it a value, or remove the key")


def nulls_in_lists(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A null in a list of the input, with which the step fails."""
    for step in flow.steps:
        for path in _nulls_in_lists(step.input, input_path(step)):
            yield Problem(path, "the step fails, because a list must not have an empty item; give it a value")


def refused_methods(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A method that CallSlack refuses, whatever the operator allows."""
    for step, spec, given in inputs(flow, packs):
        method = given.get("method")
        if spec.name == "CallSlack" and isinstance(method, str) and (advice := _refusal(method)):
            yield Problem((*input_path(step), "method"), f"CallSlack refuses {method}; {advice}")


def _is_for_rich(spec: CommandSpec, key: str) -> bool:
    return spec.name == "SendMessage" and key in ("blocks", "attachments", "markdown_text")


def _refusal(method: str) -> str:
    """Returns what to do instead of calling a method; empty if CallSlack may call it, or if that is unknown."""
    if not method or has_code(method):
        return ""
    if command := COMMANDS_BY_METHOD.get(method.lower()):
        return f"send {command} instead"
    if not METHOD.fullmatch(method):
        return "write the name of a method, like pins.add"
    return "no flow may call it, because it concerns the app itself" if method.startswith(NEVER_ALLOWED) else ""


def inputs(flow: FlowText, packs: Packs) -> Iterator[tuple[StepText, CommandSpec, JsonObject]]:
    """Yields the steps that send a command to this pack, with inputs that are objects or missing."""
    for step in flow.steps:
        spec = packs.command(step.command.pack, step.command.name)
        if spec is not None and isinstance(step.input, dict | None):
            yield step, spec, step.input or {}


def input_path(step: StepText) -> KeyPath:
    """Returns where the input of a step's command is."""
    return (*step.command.path, "input")


def _empty_keys(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, item in value.items():
            if item is None:
                yield (*path, key)
            yield from _empty_keys(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empty_keys(item, (*path, index))


def _repaired(value: object) -> str:
    if isinstance(value, bool | int | float):
        return "put it in quotes"
    return "correct the JSON" if isinstance(value, str) else "write a value of that type"


def _nulls_in_lists(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls_in_lists(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None:
                yield (*path, index)
            yield from _nulls_in_lists(item, (*path, index))
