"""Loads flows from JSON and YAML as the server does. Errors name the file, line, column and step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from marshmallow import fields, post_load

from entrypoints.simulation.flyte import flow_schema
from entrypoints.simulation.flyte.document_fields import (
    DeferredTemplateTree,
    MappingField,
    TemplateText,
    Text,
)
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, format_path
from entrypoints.simulation.flyte.documents import Document, InvalidDocument, is_json_file, parse_document, read_text
from entrypoints.simulation.flyte.flow_schema import Problem
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.template import Template

BUILT_IN = Path(__file__).parents[1] / "flows"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step: the event that triggers it, its templates, and the command it sends."""

    id: str = ""
    depends_on: tuple[str, ...] = ()
    event_pack: str
    event_name: str
    event_labels: Mapping[str, Template] = field(default_factory=dict)
    context: Mapping[str, Template] = field(default_factory=dict)
    criteria: Template | None = None
    command_pack: str
    command_name: str
    command_labels: Mapping[str, Template] = field(default_factory=dict)
    input: object = None
    """A JSON value with a Template in place of each string."""

    @property
    def starts_run(self) -> bool:
        """Whether an event from outside can start a run with this step."""
        return not self.depends_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow, ready to run; `source` is the JSON value that it was loaded from."""

    name: str
    description: str = ""
    steps: tuple[FlowStep, ...] = ()
    source: Mapping[str, object] = field(repr=False)
    text: str = field(default="", repr=False)
    """The YAML that it was loaded from, if any."""


class SchemaViolation(InvalidDocument):
    """A flow violates the server's schema, to which the server responds differently than to other errors."""


def flow_from_file(path: Path) -> Flow:
    """Loads the flow in a JSON (`.json`) or YAML file. Raises InvalidDocument, also for templates that can't work."""
    return flow_from_text(read_text(path), str(path), is_json=is_json_file(path))


def flow_from_text(text: str, where: str, *, is_json: bool) -> Flow:
    """Loads a flow from text; `where` names the text in error messages. Raises as `flow_from_file` does."""
    return replace(_load(parse_document(text, where, is_json=is_json)), text="" if is_json else text)


def flow_from_values(document: object, where: str) -> Flow:
    """Loads a flow from decoded JSON. Raises as `flow_from_file` does."""
    return _load(Document(where, document))


def refusals(document: Document) -> list[Problem]:
    """Returns why the server would refuse the flow in a document; empty if it would accept it."""
    errors = list(flow_schema.schema_errors(document.data))
    steps = document.value(("steps",))
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict) and all(isinstance(step.get(key), dict) for key in ("event", "command")):
            read = flow_schema.Reading().step(step)
            known = {path for path, _ in errors}
            found = document.errors(_StepSchema(), read, ("steps", index))
            errors += [(path, message) for path, message in found if path not in known]
    return errors


def posted_flow(document: object) -> Flow:
    """Loads a flow that is posted to the server, which accepts any templates.

    Raises SchemaViolation, or InvalidDocument if a value has the wrong type.
    """
    return _load(Document("posted flow", document), checks_templates=False)


def step_from_document(document: Document, value: object, path: KeyPath) -> FlowStep:
    """Loads a single step from a place in a document. Raises as `flow_from_file` does."""
    _check_schema(document, [((*path, *place), message) for place, message in flow_schema.step_errors(value)])
    read = flow_schema.Reading().step(cast("Mapping[str, object]", value))
    step = cast("FlowStep", document.load(_StepSchema(), read, path))
    _check_templates(document, [((*path, *place), error) for place, error in _template_errors(step)])
    return step


def _load(document: Document, *, checks_templates: bool = True) -> Flow:
    _check_schema(document, list(flow_schema.schema_errors(document.data)))
    source = cast("Mapping[str, object]", document.data)
    flow = cast("Flow", document.load(_FlowSchema(), flow_schema.Reading().flow(source)))
    flow = replace(flow, source=source)
    if checks_templates:
        _check_templates(document, list(_errors_in_steps(flow)))
    return flow


def _check_schema(document: Document, errors: list[Problem]) -> None:
    if errors:
        path, message = document.first(errors)
        error = document.error(path, message, describe_place(path, document.data))
        violation = SchemaViolation(str(error))
        violation.reason, violation.line, violation.column = error.reason, error.line, error.column
        raise violation


def _check_templates(document: Document, errors: list[tuple[KeyPath, TemplateError]]) -> None:
    if errors:
        path, error = document.first(errors)
        raise document.template_error(path, error, describe_place(path, document.data))


def _errors_in_steps(flow: Flow) -> Iterator[tuple[KeyPath, TemplateError]]:
    for index, step in enumerate(flow.steps):
        yield from ((("steps", index, *path), error) for path, error in _template_errors(step))


def _template_errors(step: FlowStep) -> Iterator[tuple[KeyPath, TemplateError]]:
    """Yields the templates of a step that can't work."""
    trees: list[tuple[KeyPath, object]] = [
        (("event", "packLabels"), step.event_labels),
        (("context",), step.context),
        (("criteria",), step.criteria),
        (("command", "packLabels"), step.command_labels),
        (("command", "input"), step.input),
    ]
    for path, tree in trees:
        yield from _problems(tree, path)


def _problems(tree: object, path: KeyPath) -> Iterator[tuple[KeyPath, TemplateError]]:
    if isinstance(tree, Template):
        yield from ((path, problem) for problem in tree.problems)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from _problems(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _problems(item, (*path, index))


def describe_place(path: KeyPath, document: object) -> str:
    """Returns the name of a place in a flow: that of a step has its id, or its number."""
    match path, document:
        case ("steps", int(index), *rest), {"steps": list(steps)}:
            raw = steps[index]
            name = raw.get("id") if isinstance(raw, dict) else None
            step = f"step '{name}'" if name else f"step {index + 1}"
            return ", ".join(filter(None, [step, format_path(tuple(rest))]))
    return format_path(path)


def _templates(key: str) -> MappingField:
    return MappingField(keys=Text(), values=TemplateText(is_deferred=True), data_key=key)


class _EventSchema(DocumentSchema):
    event_pack = Text(data_key="packName", load_default="")
    event_name = Text(data_key="name", load_default="")
    event_labels = _templates("packLabels")


class _CommandSchema(DocumentSchema):
    command_pack = Text(data_key="packName", load_default="")
    command_name = Text(data_key="name", load_default="")
    command_labels = _templates("packLabels")
    input = DeferredTemplateTree()


class _StepSchema(DocumentSchema):
    accepts_unread = True
    id = Text()
    depends_on = fields.List(Text(), data_key="dependsOn", error_messages={"invalid": "expected a list of step ids"})
    event = fields.Nested(_EventSchema)
    context = _templates("context")
    criteria = TemplateText(is_deferred=True)
    command = fields.Nested(_CommandSchema)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> FlowStep:
        """Builds the step; empty criteria are none."""
        event, command, depends_on = data.pop("event"), data.pop("command"), tuple(data.pop("depends_on", ()))
        criteria = data.pop("criteria", None)
        criteria = criteria if criteria and criteria.source else None
        return FlowStep(depends_on=depends_on, criteria=criteria, **event, **command, **data)


class _FlowSchema(DocumentSchema):
    accepts_unread = True
    name = Text(load_default="")
    description = Text()
    steps = fields.List(fields.Nested(_StepSchema), load_default=list)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Flow:
        """Builds the flow."""
        return Flow(**{**data, "steps": tuple(data["steps"])}, source={})

    def describe(self, path: KeyPath, document: object) -> str:
        """Names a step by its id, or by its number."""
        return describe_place(path, document)
