"""Schemas of the steps of flow tests, derived from the model."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from entrypoints.flow_tests import expected, model, steps
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


class _Text(TemplateTree):
    """A text, or an object with a matcher."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, str | dict):
            raise ValidationError("expected a text, or an object with 'matches' or 'contains'")
        keys = value if isinstance(value, dict) else ()
        if errors := {key: [unknown("key", key, _MATCHERS)] for key in keys if key not in _MATCHERS}:
            raise ValidationError(errors)
        return template_tree(value)


class _Values(TemplateTree):
    """What to enter in a form, by label: texts, numbers and lists of them."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, dict):
            raise ValidationError("expected an object of what to enter, by label; {} for nothing")
        chosen = {}
        for name, inner in value.items():
            try:
                chosen[name] = _chosen(inner)
            except ValidationError as error:
                raise ValidationError({name: error.messages}) from error
        return chosen


class _Chosen(TemplateTree):
    """What to choose: a text, or a list of them."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        return _chosen(value)


class _SlashCommand(TemplateTree):
    """A slash command and its text."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, str) or not value.startswith(("/", "{{", "{%")):
            raise ValidationError("expected a command with its slash, such as /deploy shop")
        return template_tree(value)


class _Labels(TemplateTree):
    """A list of labels."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            raise ValidationError("expected a list of labels")
        return template_tree(value)


def _chosen(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in values):
        raise ValidationError("expected a text, or a list of texts; put numbers and booleans in quotes")
    return template_tree([str(one) for one in values] if isinstance(value, list) else str(value))


def _personal(makes: type[Any], **keys: str | fields.Field[Any]) -> DocumentSchema:
    return _schema(makes, (), speaker="as", room="in", **keys)


def _content(makes: type[Any], **keys: str | fields.Field[Any]) -> DocumentSchema:
    return _schema(makes, (), actions=_Labels(), **keys)


def _schema(makes: type[Any], ignored: tuple[str, ...] = (), **keys: str | fields.Field[Any]) -> DocumentSchema:
    return schema_for(makes, ignored=ignored, exclude=("line",), **keys)


NOTHING: Final = _schema(model.ExpectNothing, ("expect",), seconds="for")
"""The step `expect: nothing`."""

STEPS: Final[Mapping[str, DocumentSchema]] = {
    "say": _personal(steps.Say, text="say", name="id", is_raw="raw"),
    "event": _schema(steps.RaiseEvent),
    "wait": _schema(steps.Wait, seconds="wait"),
    "invite": _schema(steps.Invite, room="invite"),
    "remove": _schema(steps.Remove, room="remove"),
    "click": _personal(steps.Click, element="click", message="of"),
    "choose": _personal(steps.Choose, choice=_Chosen(data_key="choose", required=True), element="from", message="of"),
    "submit": _personal(steps.Submit, values=_Values(data_key="submit", required=True)),
    "close": _personal(steps.CloseModal, which=choice("modal", "all", data_key="close", required=True)),
    "react": _personal(steps.React, emoji="react", message="of"),
    "unreact": _personal(steps.Unreact, emoji="unreact", message="of"),
    "edit": _personal(steps.Edit, text="edit", message="of"),
    "delete": _personal(steps.Delete, message="delete"),
    "slash": _personal(steps.RunCommand, command=_SlashCommand(data_key="slash", required=True)),
    "shortcut": _personal(steps.UseShortcut, callback_id="shortcut", message="of"),
    "upload": _personal(steps.Upload, filename="upload", name="id"),
    "open": _personal(steps.OpenHome, what=choice("home", data_key="open", required=True)),
    "slack": _schema(
        steps.SlackFault,
        answer="slack",
        seconds="for",
        call=choice("post", "join", "leave", "look_up"),
        is_posted="posted",
    ),
    "flyte": _schema(
        steps.FlyteFault, state=choice("down", "fails", "works", data_key="flyte", required=True), seconds="for"
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
    "message": _content(expected.ExpectedMessage, text=_Text(data_key="message"), room="in", name="id"),
    "update": _content(expected.ExpectedUpdate, text=_Text(data_key="update"), message="of"),
    "deletion": _schema(expected.ExpectedDeletion, message="deletion"),
    "reaction": _schema(expected.ExpectedReaction, emoji="reaction", message="of", is_removed="removed"),
    "ephemeral": _content(
        expected.ExpectedEphemeral, text=_Text(data_key="ephemeral"), person="to", room="in", name="id"
    ),
    "direct": _content(expected.ExpectedDirectMessage, text=_Text(data_key="direct"), person="to", name="id"),
    "modal": _content(expected.ExpectedModal, title=_Text(data_key="modal"), text=_Text(), person="to"),
    "home": _content(expected.ExpectedHome, text=_Text(data_key="home"), person="to"),
    "file": _schema(
        expected.ExpectedFile,
        filename=_Text(data_key="file"),
        title=_Text(),
        text=_Text(),
        content=_Text(),
        room="in",
        name="id",
    ),
    "command": _schema(expected.ExpectedCommand),
    "event": _schema(expected.ExpectedEvent),
}
"""By the key that names the kind of expectation."""
