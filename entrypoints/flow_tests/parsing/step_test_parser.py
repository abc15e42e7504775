"""Loads tests of a single step: the files of Flyte's own `flyte test`."""

from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError, fields, post_load

from entrypoints.flow_tests.model import START, StepTest
from entrypoints.lint.linter import lint_step
from entrypoints.simulation.flyte.document_fields import MappingField, Text, text_map
from entrypoints.simulation.flyte.document_schemas import DocumentSchema
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.flyte.flow_loader import step_from_document
from entrypoints.simulation.flyte.models import Event, Pack

_NOTHING: Final = "nothing"


def parse_step_test(document: Document, file: Path) -> StepTest:
    """Loads the test in a document with `step` and `testData`. Raises InvalidDocument."""
    root: Any = document.load(_StepTestSchema(), document.data)
    step = step_from_document(document, root["step"], ("step",))
    warnings = [str(finding) for finding in lint_step(document)]
    name = f"step {step.id}" if step.id else file.stem
    data = root["test_data"]
    return StepTest(name, file, document.line(("step",)), step, expected=root["expect"], warnings=warnings, **data)


class _PackSchema(DocumentSchema):
    ignored = ("id",)
    name = Text(required=True)
    labels = text_map(load_default=dict)


class _TestEventSchema(DocumentSchema):
    name = Text()
    event = Text()
    """The name in older files."""
    pack = fields.Nested(_PackSchema, required=True)
    payload = fields.Raw(load_default=None)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Event:
        """Builds the event."""
        name = data.get("event") or data.get("name")
        if not name:
            raise ValidationError({"name": ["missing"]})
        return Event(Pack.create(**data["pack"]), name, data["payload"], START, START)


class _TestDataSchema(DocumentSchema):
    event = fields.Nested(_TestEventSchema, required=True)
    context = text_map(load_default=dict)
    datastore = MappingField(load_default=dict)


_ActionSchema: Final = DocumentSchema.from_dict(
    {key: fields.Raw() for key in ("name", "packName", "packLabels", "input", "context")}
)


class _ExpectedAction(fields.Nested):
    """What the action must have, by the keys of its JSON; None for `nothing`."""

    def _deserialize(self, value: object, *args: Any, **kwargs: Any) -> Any:
        return None if value == _NOTHING else super()._deserialize(value, *args, **kwargs)


class _StepTestSchema(DocumentSchema):
    step = fields.Raw(required=True)
    test_data = fields.Nested(_TestDataSchema, data_key="testData", required=True)
    expect = _ExpectedAction(_ActionSchema, load_default=dict)
