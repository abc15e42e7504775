"""Schemas of the steps of flow tests. Fields are named as in the model; keys are those that people write."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, post_load

from entrypoints.flow_tests import model
from entrypoints.simulation.flyte.document_schemas import (
    DocumentSchema,
    Duration,
    TemplateText,
    TemplateTree,
    Text,
    choice,
    count,
    flag,
    non_empty_list,
    template_tree,
    text_map,
    unknown,
)

_MATCHERS: Final = ("contains", "matches")


class _SaySchema(DocumentSchema):
    makes = model.Say
    text = TemplateText(data_key="say", required=True)
    speaker = Text(data_key="as")
    room = Text(data_key="in")
    thread = Text()
    name = Text(data_key="id")
    is_raw = flag(data_key="raw")


class _EventSchema(DocumentSchema):
    makes = model.RaiseEvent
    event = Text(required=True)
    pack = Text(required=True)
    payload = TemplateTree()
    labels = text_map()


class _WaitSchema(DocumentSchema):
    makes = model.Wait
    seconds = Duration(data_key="wait", load_default=0.0)


class _InviteSchema(DocumentSchema):
    makes = model.Invite
    room = Text(data_key="invite", required=True)


class _RemoveSchema(DocumentSchema):
    makes = model.Remove
    room = Text(data_key="remove", required=True)


class _SlackFaultSchema(DocumentSchema):
    makes = model.SlackFault
    answer = Text(data_key="slack", required=True)
    seconds = Duration(data_key="for")
    times = count()
    call = choice("post", "join", "leave", "look_up")
    is_posted = flag(data_key="posted")


class _FlyteFaultSchema(DocumentSchema):
    makes = model.FlyteFault
    state = choice("down", "fails", "works", data_key="flyte", required=True)
    seconds = Duration(data_key="for")
    times = count()


class _ExpectSchema(DocumentSchema):
    ignored = ("expect",)
    within = Duration()
    order = choice("given", "any")
    others = choice("refused", "allowed")


class ExpectNothingSchema(DocumentSchema):
    """The step `expect: nothing`."""

    makes = model.ExpectNothing
    ignored = ("expect",)
    seconds = Duration(data_key="for")


class _RepeatSchema(DocumentSchema):
    times = count(data_key="repeat", required=True)
    every = Duration(load_default=0.0)
    steps = non_empty_list(fields.Raw(allow_none=True), of="steps")


STEPS: Final[Mapping[str, DocumentSchema]] = {
    "say": _SaySchema(),
    "event": _EventSchema(),
    "wait": _WaitSchema(),
    "invite": _InviteSchema(),
    "remove": _RemoveSchema(),
    "slack": _SlackFaultSchema(),
    "flyte": _FlyteFaultSchema(),
    "expect": _ExpectSchema(),
    "repeat": _RepeatSchema(),
}
"""By the key that a step begins with."""


class _ExpectationSchema(DocumentSchema):
    within = Duration()
    after = Duration()

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Any:
        """Builds the expectation with its timing."""
        timing = model.Timing(**{key: data.pop(key) for key in ("within", "after") if key in data})
        if timing.after > timing.within:
            raise ValidationError({"after": [f"after {timing.after:g} s cannot be within {timing.within:g} s"]})
        return super().make({**data, "timing": timing})


class _MessageText(TemplateTree):
    """A text, or an object with a matcher."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if not isinstance(value, str | dict):
            raise ValidationError("expected a text, or an object with 'matches' or 'contains'")
        if isinstance(value, dict) and (
            errors := {k: [unknown("key", k, _MATCHERS)] for k in value if k not in _MATCHERS}
        ):
            raise ValidationError(errors)
        return template_tree(value)


class _MessageSchema(_ExpectationSchema):
    makes = model.ExpectedMessage
    text = _MessageText(data_key="message")
    room = Text(data_key="in")
    thread = Text()
    slack_fields = TemplateTree(data_key="fields", attribute="fields")  # `fields` is an attribute of schemas
    name = Text(data_key="id")


class _CommandSchema(_ExpectationSchema):
    makes = model.ExpectedCommand
    command = Text(required=True)
    pack = Text()
    input = TemplateTree()


class _ExpectedEventSchema(_ExpectationSchema):
    makes = model.ExpectedEvent
    event = Text(required=True)
    pack = Text()
    payload = TemplateTree()


EXPECTATIONS: Final[Mapping[str, DocumentSchema]] = {
    "message": _MessageSchema(),
    "command": _CommandSchema(),
    "event": _ExpectedEventSchema(),
}
"""By the key that says what is expected."""
