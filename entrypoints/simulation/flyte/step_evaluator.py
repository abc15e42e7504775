"""Decides what a step makes of an event: not matched and why, failed and where, or a command."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoints.simulation.flyte.flow_loader import Flow, FlowStep
from entrypoints.simulation.flyte.models import Event, FlowRun
from entrypoints.simulation.pongo2.errors import TemplateError, TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class Matched:
    """The step runs: its command's labels and input, and the context from here on."""

    context: Mapping[str, str]
    rendered: str
    labels: Mapping[str, str]
    input: object


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The step does not run; `rendered` is what its criteria came to, if it came so far."""

    context: Mapping[str, str]
    reason: str
    rendered: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The step can't be evaluated, and does not run; `part` is the template that failed."""

    context: Mapping[str, str]
    part: str
    error: str


Evaluation = Matched | Unmatched | Failed


class RenderError(Exception):
    """A template can't be rendered; `part` says which, `error` why."""

    def __init__(self, part: str, error: TemplateError) -> None:
        super().__init__(part)
        self.part = part
        self.error = error


def waits_for(flow: Flow, event: Event) -> bool:
    """Whether the event begins a new run of the flow."""
    return any(step.starts_run and _listens(step, event) for step in flow.steps)


def candidates(run: FlowRun, event: Event) -> list[tuple[FlowStep, str]]:
    """The steps of a run that listen for the event, in the flow's order, as things are before any of them runs.

    With each of them what keeps it from running; nothing for the candidates.
    """
    steps = run.flow.steps if run.flow else ()
    return [(step, _hindrance(step, run)) for step in steps if _listens(step, event)]


def evaluate(step: FlowStep, event: Event, context: Mapping[str, str], environment: TemplateEnvironment) -> Evaluation:
    """What becomes of a candidate: context, the pack's labels, criteria, command's labels and input, in this order."""
    scope = event.as_struct()
    names = {"Event": scope, "Context": dict(context)}
    try:
        merged = {**context, **_rendered("context", step.context, names, environment)}
        context = merged
        names = {"Event": scope, "Context": dict(merged)}
        labels = _rendered("event.packLabels", step.event_labels, names, environment)
        if not event.pack.has_labels(labels):
            return Unmatched(merged, f"the pack's labels {dict(event.pack.labels)} lack {labels}")
        written = "" if step.criteria is None else _render("criteria", step.criteria, names, environment)
        if step.criteria is not None and written not in _TRUE:
            return _not_true(merged, written)
        command_labels = _rendered("command.packLabels", step.command_labels, names, environment)
        input_ = render("command.input", step.input, names, environment)
    except RenderError as failure:
        return Failed(context, failure.part, str(failure.error))
    return Matched(merged, written, command_labels, input_)


def render(part: str, tree: object, names: Mapping[str, object], environment: TemplateEnvironment) -> object:
    """The tree with every Template in it rendered; `part` is what errors call it. Raises RenderError."""
    if isinstance(tree, Template):
        return _render(part, tree, names, environment)
    if isinstance(tree, list):
        return [render(f"{part}[{index}]", item, names, environment) for index, item in enumerate(tree)]
    if isinstance(tree, dict):
        return {key: render(f"{part}.{key}", item, names, environment) for key, item in tree.items()}
    return tree


def is_true(part: str, template: Template, names: Mapping[str, object], environment: TemplateEnvironment) -> bool:
    """Whether the template renders to one of Go's words for true. Raises RenderError, for no boolean too."""
    written = _render(part, template, names, environment)
    if written in _TRUE or written in _FALSE:
        return written in _TRUE
    raise RenderError(part, TemplateRuntimeError(_no_boolean(written)))


def _listens(step: FlowStep, event: Event) -> bool:
    return step.event_name == event.name and step.event_pack == event.pack.name


def _hindrance(step: FlowStep, run: FlowRun) -> str:
    if step.id in run.actions_by_step:
        return "the step has run in this run"
    if not step.starts_run and not any(map(run.has_finished, step.depends_on)):
        where = "this run" if run.actions else "the run that this event begins"
        return f"none of the steps that it depends on has finished in {where}: {', '.join(step.depends_on)}"
    return ""


def _not_true(context: Mapping[str, str], written: str) -> Unmatched | Failed:
    if written in _FALSE:
        return Unmatched(context, "the criteria is not met", written)
    return Failed(context, "criteria", _no_boolean(written))


def _no_boolean(written: str) -> str:
    return f"renders to {written!r}, which is neither True nor False"


def _render(part: str, template: Template, names: Mapping[str, object], environment: TemplateEnvironment) -> str:
    try:
        return template.render(names, environment)
    except TemplateError as error:
        raise RenderError(part, error) from error


def _rendered(
    part: str, templates: Mapping[str, Template], names: Mapping[str, object], environment: TemplateEnvironment
) -> dict[str, str]:
    return {key: _render(f"{part}.{key}", template, names, environment) for key, template in templates.items()}
