"""Checks of a flow's structure: what the server refuses, and keys that it does not read."""

from collections.abc import Iterator
from typing import Any, Final

from yaml import Mark

from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte import flow_schema
from entrypoints.simulation.flyte.document_fields import NOT_AN_OBJECT
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.flow_loader import refusals

_STEP_KEYS: Final = frozenset({"id", "dependsOn", "event", "context", "criteria", "command"})
_NAME_KEYS: Final = frozenset({"packName", "name", "packLabels"})
_REFUSES: Final = "Flyte refuses the flow"


def refused_flows(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """What Flyte's server refuses."""
    is_read = flow.is_whole and (flow.document.data is not None or not flow.repairs)
    for path, message in refusals(flow.document) if is_read else ():
        if message == "missing":
            yield Problem(path[:-1], f"{path[-1]} is missing, and {_REFUSES}; add it")
        elif path[-1:] == ("dependsOn",) and isinstance(name := flow.document.value(path), str):
            yield Problem(path, f"dependsOn is a list of step ids, or {_REFUSES}; write [{name}]")
        elif message == NOT_AN_OBJECT and flow.document.value(path) is None and path:
            yield Problem(path, f"this is empty, and {_REFUSES}; write its keys below it, and indent them")
        else:
            yield Problem(path, message.replace("the server refuses the flow", _REFUSES))


def empty_flows(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A flow without a name, or without steps."""
    data = flow.document.data
    if isinstance(data, dict) and flow.is_whole:
        if data.get("name") == "":
            yield Problem(("name",), "the name is empty; write one")
        if data.get("steps") == []:
            yield Problem(("steps",), "there are no steps; add one")


def unknown_keys(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A key that the server does not read."""
    refused = {path for path, _ in refusals(flow.document)} if flow.is_whole else set()
    for path, message in _ignored(flow):
        if path not in refused and not _belongs_to(flow, path, packs):
            yield Problem(path, message)


def misplaced_keys(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A key with the wrong indentation: it belongs to another object."""
    yield from flow.repairs.get("indentation", ())
    for step in flow.steps:
        for key in _STEP_KEYS.intersection(step.context).difference(step.keys):
            yield Problem((*step.path, "context", key), f"{key} is a value of the context here; indent it like context")
    for path, _ in _ignored(flow):
        if place := _belongs_to(flow, path, packs):
            yield Problem(path, f"Flyte ignores {path[-1]} here; indent it so that it belongs to {place}")


def duplicate_keys(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A key that is given twice, of which only the last one counts."""
    for duplicate in flow.document.duplicates:
        mark = Mark("", 0, duplicate.line - 1, duplicate.column - 1, None, 0)
        path = flow.document.path_at(mark.line, mark.column)
        is_of_a_step = any(step.path == path[:-1] for step in flow.steps)
        advice = "remove one, or begin the next step with a dash" if is_of_a_step else "remove one"
        message = f"duplicate key '{path[-1]}', of which only the last one counts; {advice}"
        yield Problem(path[:-1], message, mark=mark)


def second_documents(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A second document in the file, which Flyte does not read."""
    if second := flow.document.second:
        mark = Mark("", 0, second.line - 1, second.column - 1, None, 0)
        yield Problem((), second.reason, mark=mark)


def _ignored(flow: FlowText) -> list[tuple[KeyPath, str]]:
    reading = flow_schema.Reading()
    data = flow.document.data
    if flow.is_whole and isinstance(data, dict):
        reading.flow(data)
        return reading.warnings
    for step in flow.steps:
        raw: Any = flow.document.value(step.path)
        reading.step(raw)
    return [((*step.path, *path), message) for step in flow.steps for path, message in reading.warnings]


def _belongs_to(flow: FlowText, path: KeyPath, packs: Packs) -> str:
    """Returns where a key belongs that stands elsewhere; empty if that is unknown."""
    *parent, key = path
    step = flow.step_at(path)
    if step is None:
        return "a step" if key in _STEP_KEYS else ""
    place = tuple(parent[len(step.path) :])
    if place in {("event",), ("command",)} and key in _STEP_KEYS:
        return "the step"
    if not place and key in _NAME_KEYS:
        return "event or command"
    if not place and key == "input":
        return "command"
    spec = packs.command(step.command.pack, step.command.name)
    is_field = spec is not None and key in {field.name for field in spec.fields}
    has_empty_input = step.input is None and "input" in (step.keys.get("command") or {})
    return "input" if place == ("command",) and (is_field or has_empty_input) else ""
