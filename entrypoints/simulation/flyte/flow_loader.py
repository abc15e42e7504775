"""Loads flows from JSON and YAML. Errors name the file, line, column and step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from marshmallow import ValidationError, fields, post_load, validates_schema

from entrypoints.simulation.flyte.document_fields import (
    OptionalTemplate,
    TemplateTree,
    Text,
    non_empty_list,
    template_map,
)
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, format_path
from entrypoints.simulation.flyte.documents import Document, parse_document, read_document
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
    steps: tuple[FlowStep, ...]
    source: Mapping[str, object] = field(repr=False)


def flow_from_file(path: Path) -> Flow:
    """Loads the flow in a JSON (`.json`) or YAML file. Raises InvalidDocument."""
    return _load(read_document(path))


def flow_from_text(text: str, where: str, *, is_json: bool) -> Flow:
    """Loads a flow from text; `where` names the text in error messages. Raises InvalidDocument."""
    return _load(parse_document(text, where, is_json=is_json))


def flow_from_values(document: object, where: str) -> Flow:
    """Loads a flow from decoded JSON. Raises InvalidDocument."""
    return _load(Document(where, document))


def _load(document: Document) -> Flow:
    return cast("Flow", document.load(_FlowSchema(), document.data))


class _EventSchema(DocumentSchema):
    event_pack = Text(data_key="packName", required=True)
    event_name = Text(data_key="name", required=True)
    event_labels = template_map(data_key="packLabels")


class _CommandSchema(DocumentSchema):
    command_pack = Text(data_key="packName", required=True)
    command_name = Text(data_key="name", required=True)
    command_labels = template_map(data_key="packLabels")
    input = TemplateTree()


class FlowStepSchema(DocumentSchema):
    """A step of a flow."""

    ignored = ("description",)
    id = Text()
    depends_on = fields.List(Text(), data_key="dependsOn", error_messages={"invalid": "expected a list of step ids"})
    event = fields.Nested(_EventSchema, required=True)
    context = template_map()
    criteria = OptionalTemplate()
    command = fields.Nested(_CommandSchema, required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> FlowStep:
        """Builds the step."""
        event, command, depends_on = data.pop("event"), data.pop("command"), tuple(data.pop("depends_on", ()))
        return FlowStep(depends_on=depends_on, **event, **command, **data)


class _FlowSchema(DocumentSchema):
    ignored = ("uuid", "links")
    name = Text(required=True)
    description = Text()
    steps = non_empty_list(fields.Nested(FlowStepSchema), of="steps")

    @validates_schema(skip_on_field_errors=True)
    def check_ids(self, data: Mapping[str, Any], **_: object) -> None:
        """Rejects duplicate ids and dependencies on steps that do not exist."""
        steps: list[FlowStep] = data["steps"]
        ids = [step.id for step in steps]
        for index, step in enumerate(steps):
            if step.id and step.id in ids[:index]:
                raise ValidationError({"steps": {index: {"id": [f"duplicate step id '{step.id}'"]}}})
            for name in step.depends_on:
                if not name or name not in ids:
                    raise ValidationError({"steps": {index: {"dependsOn": [f"there is no step '{name}'"]}}})

    @post_load(pass_original=True)
    def make(self, data: dict[str, Any], original: Mapping[str, object], **_: object) -> Flow:
        """Builds the flow."""
        return Flow(**{**data, "steps": tuple(data["steps"])}, source=original)

    def describe(self, path: KeyPath, document: object) -> str:
        """Names a step by its id, or by its number."""
        match path, document:
            case ("steps", int(index), *rest), {"steps": list(steps)}:
                raw = steps[index]
                name = raw.get("id") if isinstance(raw, dict) else None
                step = f"step '{name}'" if name else f"step {index + 1}"
                return ", ".join(filter(None, [step, format_path(tuple(rest))]))
        return format_path(path)
