"""Runs tests of a single step: the files of Flyte's own `flyte test`."""

import json
import time
from collections.abc import Mapping, Sequence

from entrypoints.flow_tests.model import START, StepTest
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.flow_tests.runtime.diff import json_differences
from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.console.output import Line, text_line
from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment


def run_step_test(test: StepTest) -> FlowTestResult:
    """Evaluates the step as the engine does."""
    began = time.perf_counter()
    action, details = _evaluate(test)
    reason = _failure_reason(test, action)
    failure = Failure(test.line, test.name, reason, (), details) if reason else None
    return FlowTestResult(test, failure, 0.0, time.perf_counter() - began, details)


def _failure_reason(test: StepTest, action: Mapping[str, object] | None) -> str:
    if test.expected is None:
        return "" if action is None else "the step runs, and nothing was expected"
    if action is None:
        return "the step does not run"
    return "; ".join(json_differences(test.expected, action, "the action"))


def _evaluate(test: StepTest) -> tuple[Mapping[str, object] | None, Sequence[Line]]:
    """Returns the action as Flyte's own tool prints it; None, and the reason, when the step does not run."""
    step, event = test.step, test.event
    if (step.event_pack, step.event_name) != (event.pack.name, event.name):
        awaited, given = f"{step.event_pack} {step.event_name}", f"{event.pack.name} {event.name}"
        return None, [text_line(f"the step waits for {awaited}, and the event is {given}")]
    result = step_evaluator.evaluate(step, event, test.context, TemplateEnvironment(test.datastore, now=lambda: START))
    match result:
        case step_evaluator.Matched(context=context, labels=labels, input=value):
            optional = {"packLabels": labels, "input": value, "context": context}
            action = {"name": step.command_name, "packName": step.command_pack} | {
                key: value for key, value in optional.items() if value not in ({}, None)
            }
            return action, [text_line(json.dumps(action, ensure_ascii=False, indent=2))]
        case step_evaluator.Failed(part=part, error=error):
            return None, [text_line(f"{part}: {error}", "bad")]
        case step_evaluator.Unmatched(context=context, reason=reason):
            source = step.criteria.source if step.criteria else ""
            values = [text_line(f"{name} = {value}") for name, value in referenced_values(source, event, context)]
            return None, [text_line(reason), text_line(source), *values]
