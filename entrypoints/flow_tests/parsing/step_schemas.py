"""Schemas of the steps of flow tests, derived from the model."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from entrypoints.flow_tests import model
from entrypoints.simulation.flyte.document_fields import TemplateTree, choice, non_empty_list, template_tree, unknown
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, schema_for

_MATCHERS: Final = ("contains", "matches")


class _Alternative(fields.Field[bool]):
    """One of two words; loaded as whether it is the second."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(**options)
        self._words = words

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if value not in self._words:
            raise ValidationError(unknown("value", value, self._words))
        return value == self._words[1]


class _MessageText(TemplateTree):
    """A text, or an object with a matcher."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, str | dict):
            raise ValidationError("expected a text, or an object with 'matches' or 'contains'")
        keys = value if isinstance(value, dict) else ()
        if errors := {key: [unknown("key", key, _MATCHERS)] for key in keys if key not in _MATCHERS}:
            raise ValidationError(errors)
        return template_tree(value)


def _schema(makes: type[Any], ignored: tuple[str, ...] = (), **keys: str | fields.Field[Any]) -> DocumentSchema:
    return schema_for(makes, ignored=ignored, exclude=("line",), **keys)


NOTHING: Final = _schema(model.ExpectNothing, ("expect",), seconds="for")
"""The step `expect: nothing`."""

STEPS: Final[Mapping[str, DocumentSchema]] = {
    "say": _schema(model.Say, text="say", speaker="as", room="in", name="id", is_raw="raw"),
    "event": _schema(model.RaiseEvent),
    "wait": _schema(model.Wait, seconds="wait"),
    "invite": _schema(model.Invite, room="invite"),
    "remove": _schema(model.Remove, room="remove"),
    "slack": _schema(
        model.SlackFault,
        answer="slack",
        seconds="for",
        call=choice("post", "join", "leave", "look_up"),
        is_posted="posted",
    ),
    "flyte": _schema(
        model.FlyteFault, state=choice("down", "fails", "works", data_key="flyte", required=True), seconds="for"
    ),
    "expect": _schema(
        model.Expect,
        expected=fields.Raw(data_key="expect", required=True),
        in_any_order=_Alternative("given", "any", data_key="order"),
        are_others_allowed=_Alternative("refused", "allowed", data_key="others"),
    ),
    "repeat": _schema(model.Repeat, times="repeat", steps=non_empty_list(fields.Raw(allow_none=True), of="steps")),
}
"""By the key that names the kind of step."""

EXPECTATIONS: Final[Mapping[str, DocumentSchema]] = {
    "message": _schema(model.ExpectedMessage, text=_MessageText(data_key="message"), room="in", name="id"),
    "command": _schema(model.ExpectedCommand),
    "event": _schema(model.ExpectedEvent),
}
"""By the key that names the kind of expectation."""
