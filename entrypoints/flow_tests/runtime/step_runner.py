"""Tests of one step alone: a step, an event, and what becomes of them; the files of Flyte's own `flyte test`."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from entrypoints.flow_tests.clock.virtual_time import START
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.flow_tests.runtime.diff import json_differences
from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.console.output import Line, text_line
from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.flyte.flow_loader import FlowStep, step_from_values
from entrypoints.simulation.flyte.models import Event, Pack
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment

_NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class StepTest:
    """One step, and the event that it is to be tried with."""

    name: str
    file: Path
    line: int
    step: FlowStep
    event: Event
    context: Mapping[str, str]
    datastore: Mapping[str, object]
    expected: Mapping[str, object] | None
    """What the action has to have, by the keys of its JSON; None: the step is not to run."""


def step_test(reader: StrictReader, root: Mapping[str, object], node: yaml.Node | None, path: Path) -> StepTest:
    """The test that a document with `step` and `testData` describes. Raises InvalidDocument."""
    reader.mapping(root, (), ("step", "testData", "expect"))
    step = step_from_values(root.get("step"), str(path), node)
    data = reader.mapping(root.get("testData"), ("testData",), ("event", "context", "datastore"))
    context = reader.templates(data.get("context"), ("testData", "context"))
    expected = root.get("expect", {})
    if expected != _NOTHING:
        reader.mapping(expected, ("expect",), ("name", "packName", "packLabels", "input", "context"))
    return StepTest(
        name=f"step {step.id}" if step.id else path.stem,
        file=path,
        line=reader.line(("step",)),
        step=step,
        event=_event(reader, data),
        context={name: template.source for name, template in context.items()},
        datastore=reader.mapping(data.get("datastore") or {}, ("testData", "datastore"), _keys(data.get("datastore"))),
        expected=expected if isinstance(expected, dict) else None,
    )


def run_step_test(test: StepTest) -> FlowTestResult:
    """What comes of the step, as the engine runs it: an action, or the reason why there is none."""
    began = time.perf_counter()
    action, why = _action(test)
    failure = None
    if test.expected is None and action is not None:
        failure = _failure(test, "the step runs, and nothing was expected", _written(action))
    elif test.expected is not None and action is None:
        failure = _failure(test, "the step does not run", why)
    elif test.expected is not None and (found := json_differences(test.expected, action, "the action")):
        failure = _failure(test, "; ".join(found), _written(action))
    return FlowTestResult(test, failure, 0.0, time.perf_counter() - began, _written(action) if action else why)


def _action(test: StepTest) -> tuple[Mapping[str, object] | None, Sequence[Line]]:
    """The action as Flyte's own tool prints it; None, and why, when the step does not run."""
    step, event = test.step, test.event
    if (step.event_pack, step.event_name) != (event.pack.name, event.name):
        waited, came = f"{step.event_pack} {step.event_name}", f"{event.pack.name} {event.name}"
        return None, [text_line(f"the step waits for {waited}, and the event is {came}")]
    result = step_evaluator.evaluate(step, event, test.context, TemplateEnvironment(test.datastore, now=lambda: START))
    match result:
        case step_evaluator.Matched(context=context, labels=labels, input=given):
            action = {"name": step.command_name, "packName": step.command_pack, "packLabels": labels}
            optional = {**action, "input": given, "context": context}
            return {key: value for key, value in optional.items() if value not in ({}, None)}, ()
        case step_evaluator.Failed(part=part, error=error):
            return None, [text_line(f"{part}: {error}", "bad")]
        case step_evaluator.Unmatched(context=context, reason=reason):
            source = step.criteria.source if step.criteria else ""
            seen = referenced_values(source, event, context)
            return None, [
                text_line(reason),
                text_line(source),
                *(text_line(f"{name} = {value}") for name, value in seen),
            ]


def _event(reader: StrictReader, data: Mapping[str, object]) -> Event:
    """The event; its name under `name`, or under `event` as in older files."""
    path = ("testData", "event")
    event = reader.mapping(data.get("event"), path, ("name", "event", "pack", "payload"))
    pack_path = (*path, "pack")
    pack = reader.mapping(event.get("pack"), pack_path, ("id", "name", "labels"))
    labels = reader.templates(pack.get("labels"), (*pack_path, "labels"))
    name = reader.text(event, "event" if "event" in event else "name", path)
    known = Pack.create(reader.text(pack, "name", pack_path), {key: value.source for key, value in labels.items()})
    return Event(known, name, event.get("payload"), START, START)


def _failure(test: StepTest, reason: str, story: Sequence[Line]) -> Failure:
    return Failure(test.line, test.name, reason, (), story)


def _written(action: Mapping[str, object] | None) -> Sequence[Line]:
    return [text_line(json.dumps(action, ensure_ascii=False, indent=2))]


def _keys(value: object) -> Sequence[str]:
    return [str(key) for key in value] if isinstance(value, dict) else ()
