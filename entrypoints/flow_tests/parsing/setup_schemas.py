"""Schemas of flow test files, except their steps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from marshmallow import ValidationError, fields, post_load

from entrypoints.config.issues import SettingsError
from entrypoints.flow_tests.settings import pack_settings
from entrypoints.simulation.flyte.datastore import NOT_AN_ITEM, is_item
from entrypoints.simulation.flyte.document_fields import Flag, MappingField, Text, non_empty_list
from entrypoints.simulation.flyte.document_schemas import DocumentSchema
from entrypoints.simulation.pack_settings import APPLICABLE_VARIABLES
from entrypoints.simulation.pongo2 import rfc3339
from entrypoints.simulation.workspaces.channels import ChannelSetup, shared_id
from entrypoints.simulation.workspaces.workspace import BOT


class _SettingValue(fields.Field[str]):
    """A setting, written as in an environment."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str | int | float):
            raise ValidationError("expected a string or a number")
        return str(value).lower() if isinstance(value, bool) else str(value)


class _SettingsBase(DocumentSchema):
    @post_load
    def make(self, data: dict[str, str], **_: object) -> dict[str, str]:
        """Checks the values as the pack does."""
        try:
            pack_settings(data)
        except SettingsError as error:
            raise ValidationError({issue.variable: [issue.message] for issue in error.issues}) from error
        return data


_SettingsSchema: Final = _SettingsBase.from_dict({name: _SettingValue() for name in APPLICABLE_VARIABLES})


class _Timestamp(fields.Field[datetime]):
    def _deserialize(self, value: object, *_: object, **__: object) -> datetime:
        moment = rfc3339.parse(value) if isinstance(value, str) else None
        if moment is None:
            raise ValidationError("expected a time such as 2026-01-05T09:00:00Z")
        return moment


class _NamedEntries(MappingField):
    """A list of names, or an object by name; an entry that is a string is short for its id."""

    def _deserialize(self, value: object, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            value = dict.fromkeys(value)
        if not isinstance(value, dict) or not value:
            raise ValidationError("expected a list of names, or an object by name")
        entries = {str(name): {"id": about} if isinstance(about, str) else about or {} for name, about in value.items()}
        return super()._deserialize(entries, *args, **kwargs)


class _PersonSchema(DocumentSchema):
    id = Text()
    name = Text()
    email = Text()
    title = Text()
    first_name = Text(data_key="firstName")
    last_name = Text(data_key="lastName")


class _ChannelSchema(DocumentSchema):
    id = Text()
    is_joined = Flag(data_key="joined")
    is_private = Flag(data_key="private")


def _check_handle(handle: str) -> None:
    if not handle or handle.startswith(("@", "#")) or handle == BOT:
        raise ValidationError(f"expected a name without @ other than {BOT}, the bot's")


def _check_label(label: str) -> None:
    if not label.startswith("#") or label == "#":
        raise ValidationError('expected a name with #, in quotes: "#ops"')


def _check_ids(channels: Mapping[str, Mapping[str, str]]) -> None:
    if shared := shared_id(ChannelSetup(label, about.get("id", "")) for label, about in channels.items()):
        raise ValidationError(shared)


class _Items(fields.Field[Mapping[str, object] | str]):
    """Items of the datastore by key, or the file that has them."""

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, object] | str:
        if isinstance(value, str):
            return value
        if not isinstance(value, dict):
            raise ValidationError("expected an object, or a file that has one")
        if errors := {key: [NOT_AN_ITEM] for key, item in value.items() if not is_item(item)}:
            raise ValidationError(errors)
        return value


class FileSchema(DocumentSchema):
    """A file of flow tests."""

    ignored = ("description",)
    flows = fields.List(Text(), error_messages={"invalid": "expected a list of files"})
    packs = fields.List(Text(), error_messages={"invalid": "expected a list of files"})
    people = _NamedEntries(keys=Text(validate=_check_handle), values=fields.Nested(_PersonSchema))
    channels = _NamedEntries(
        keys=Text(validate=_check_label), values=fields.Nested(_ChannelSchema), validate=_check_ids
    )
    settings = fields.Nested(_SettingsSchema)
    datastore = _Items()
    start = _Timestamp()
    tests = non_empty_list(fields.Raw(allow_none=True), of="tests")


class TestSchema(DocumentSchema):
    """One test; its steps are loaded one by one."""

    ignored = ("description",)
    name = Text(required=True)
    settings = fields.Nested(_SettingsSchema, load_default=dict)
    steps = non_empty_list(fields.Raw(allow_none=True), of="steps")
