"""Marshmallow schemas for documents that people write: strict, and derived from dataclasses where they mirror one."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, get_type_hints

from marshmallow import Schema, ValidationError, fields, post_load, pre_load

from entrypoints.simulation.flyte.document_fields import (
    NOT_AN_OBJECT,
    Duration,
    Flag,
    OptionalTemplate,
    TemplateText,
    TemplateTree,
    Text,
    count,
    template_map,
    text_map,
    unknown,
)
from entrypoints.simulation.pongo2.template import Template

KeyPath = tuple[str | int, ...]


def format_path(path: KeyPath) -> str:
    """Formats a path as people write it: `command.input[0].text`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


class DocumentSchema(Schema):
    """Rejects unknown keys, treats null like an absent key, and builds `makes` from the values that are present."""

    makes: type[Any] | None = None
    ignored: Collection[str] = ()
    """Keys that are accepted and not read."""
    accepts_unread = False
    """Whether the last of duplicate keys counts, and only the first document of a file."""

    def describe(self, path: KeyPath, document: object) -> str:  # noqa: ARG002 (for schemas that know better names)
        """Returns the name of a place in error messages."""
        return format_path(path)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 (marshmallow's hook)
        """Words the message for an absent key."""
        field_obj.error_messages["required"] = "missing"

    @pre_load
    def check_keys(self, data: object, **_: object) -> object:
        """Rejects unknown keys before anything else, since they often explain missing ones."""
        if not isinstance(data, Mapping):
            raise ValidationError(NOT_AN_OBJECT)
        keys = sorted([*(field.data_key or name for name, field in self.fields.items()), *self.ignored])
        if errors := {str(key): [unknown("key", key, keys)] for key in data if key not in keys}:
            raise ValidationError(errors)
        return {key: value for key, value in data.items() if value is not None and key not in self.ignored}

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Any:
        """Builds the value."""
        return self.makes(**data) if self.makes else data


_FIELDS: Final[Mapping[Any, Callable[..., fields.Field[Any]]]] = {
    str: Text,
    bool: Flag,
    int: count,
    int | None: count,
    float: Duration,
    float | None: Duration,
    object: TemplateTree,
    Template: TemplateText,
    Template | None: OptionalTemplate,
    Mapping[str, str]: text_map,
    Mapping[str, Template]: template_map,
}
"""The kind of field for each type in a dataclass."""


def schema_for(
    makes: type[Any], *, ignored: Collection[str] = (), exclude: Collection[str] = (), **keys: str | fields.Field[Any]
) -> DocumentSchema:
    """Derives the schema of a dataclass. `keys` has the key or the schema field of those that differ."""
    types = get_type_hints(makes)
    derived: dict[str, object] = {"makes": makes, "ignored": ignored}
    for field in dataclasses.fields(makes):
        key = keys.get(field.name, field.name)
        is_required = field.default is field.default_factory is dataclasses.MISSING
        if field.name not in exclude:
            derived[field.name] = (
                _FIELDS[types[field.name]](data_key=key, required=is_required) if isinstance(key, str) else key
            )
    schema: DocumentSchema = type(f"{makes.__name__}Schema", (DocumentSchema,), derived)()
    return schema
