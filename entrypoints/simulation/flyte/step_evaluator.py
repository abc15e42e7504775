"""Evaluates a step for an event: unmatched and why, failed and where, or matched with its command."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoints.simulation.flyte.flow_loader import FlowStep
from entrypoints.simulation.flyte.models import Event, FlowRun
from entrypoints.simulation.pongo2.errors import TemplateError, TemplateRuntimeError
from entrypoints.simulation.pongo2.expressions import Function
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
BOOLEANS = _TRUE | _FALSE
"""The texts that criteria may render as."""
_POISONED = "can't be saved: template() wrote its functions into a map of the event; give it Context or unmarshalJson()"


@dataclass(frozen=True, slots=True)
class Matched:
    """The step runs: the labels and input of its command, and the context from here on."""

    context: Mapping[str, str]
    rendered: str
    labels: Mapping[str, str]
    input: object


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The step does not run; `rendered` is the output of its criteria, if they were rendered."""

    context: Mapping[str, str]
    reason: str
    rendered: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The step can't be evaluated, and does not run; `part` names the template that failed."""

    context: Mapping[str, str]
    part: str
    error: str


Evaluation = Matched | Unmatched | Failed


class RenderError(Exception):
    """A template can't be rendered; `part` names it."""

    def __init__(self, part: str, error: TemplateError) -> None:
        super().__init__(part)
        self.part = part
        self.error = error


def candidates(run: FlowRun, event: Event) -> list[tuple[FlowStep, str]]:
    """Returns the steps of a run that wait for the event, in order, before any of them runs.

    Each comes with the obstacle that keeps it from running; an empty string if there is none.
    """
    steps = run.flow.steps if run.flow else ()
    return [(step, _obstacle(step, run)) for step in steps if _waits_for(step, event)]


def evaluate(step: FlowStep, event: Event, context: Mapping[str, str], environment: TemplateEnvironment) -> Evaluation:
    """Evaluates a step: context, the pack's labels, criteria, and the command's labels and input, in this order."""
    event_struct = event.as_struct()
    names = {"Event": event_struct, "Context": dict(context)}
    try:
        context = {**context, **_render_each("context", step.context, names, environment)}
        names = {"Event": event_struct, "Context": dict(context)}
        labels = _render_each("event.packLabels", step.event_labels, names, environment)
        if not event.pack.has_labels(labels):
            return Unmatched(context, f"the pack's labels ({_listed(event.pack.labels)}) lack {_listed(labels)}")
        rendered = "" if step.criteria is None else _render("criteria", step.criteria, names, environment)
        if step.criteria is not None and not _parse_bool("criteria", rendered):
            return Unmatched(context, "the criteria are not met", rendered)
        command_labels = _render_each("command.packLabels", step.command_labels, names, environment)
        command_input = _render_input("command.input", step.input, names, environment)
    except RenderError as failure:
        return Failed(context, failure.part, str(failure.error))
    if _has_functions(event_struct.fields["Payload"]):
        return Failed(context, "action", _POISONED)
    return Matched(context, rendered, command_labels, command_input)


def render(part: str, tree: object, names: Mapping[str, object], environment: TemplateEnvironment) -> object:
    """Renders every Template in a tree; errors refer to the tree as `part`. Raises RenderError."""
    if isinstance(tree, Template):
        return _render(part, tree, names, environment)
    if isinstance(tree, list):
        return [render(f"{part}[{index}]", item, names, environment) for index, item in enumerate(tree)]
    if isinstance(tree, dict):
        return {key: render(f"{part}.{key}", item, names, environment) for key, item in tree.items()}
    return tree


def _render_input(part: str, tree: object, names: Mapping[str, object], environment: TemplateEnvironment) -> object:
    """Renders like `render`, and like the server leaves null out of maps and fails for null in lists."""
    if isinstance(tree, list):
        if None in tree:
            message = f"null in a list: {part}[{tree.index(None)}]"
            raise RenderError(
                part, TemplateRuntimeError(f"{message}; reflect: call of reflect.Value.Set on zero Value")
            )
        return [_render_input(f"{part}[{index}]", item, names, environment) for index, item in enumerate(tree)]
    if isinstance(tree, dict):
        given = ((key, item) for key, item in tree.items() if item is not None)
        return {key: _render_input(f"{part}.{key}", item, names, environment) for key, item in given}
    return render(part, tree, names, environment)


def _has_functions(value: object) -> bool:
    """Whether the function `template` wrote the functions into a map of the event, which then can't be saved."""
    if isinstance(value, dict):
        return any(isinstance(item, Function) or _has_functions(item) for item in value.values())
    return isinstance(value, list) and any(map(_has_functions, value))


def is_true(part: str, template: Template, names: Mapping[str, object], environment: TemplateEnvironment) -> bool:
    """Whether the template renders to true. Raises RenderError, also if it renders to no boolean."""
    return _parse_bool(part, _render(part, template, names, environment))


def _waits_for(step: FlowStep, event: Event) -> bool:
    return step.event_name == event.name and step.event_pack == event.pack.name


def _obstacle(step: FlowStep, run: FlowRun) -> str:
    if step.id in run.actions_by_step:
        return "the step has already run in this run"
    if not step.starts_run and not any(map(run.has_finished, step.depends_on)):
        where = "this run" if run.actions else "the run that this event starts"
        return f"none of the steps it depends on has finished in {where}: {', '.join(step.depends_on)}"
    return ""


def _parse_bool(part: str, text: str) -> bool:
    if text in BOOLEANS:
        return text in _TRUE
    raise RenderError(part, TemplateRuntimeError(f"renders to {text!r}, which is neither True nor False"))


def _render(part: str, template: Template, names: Mapping[str, object], environment: TemplateEnvironment) -> str:
    try:
        return template.render(names, environment)
    except TemplateError as error:
        raise RenderError(part, error) from error


def _listed(labels: Mapping[str, str]) -> str:
    """Returns labels as people write them in FLYTE_LABELS."""
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "none"


def _render_each(
    part: str, templates: Mapping[str, Template], names: Mapping[str, object], environment: TemplateEnvironment
) -> dict[str, str]:
    return {key: _render(f"{part}.{key}", template, names, environment) for key, template in templates.items()}
