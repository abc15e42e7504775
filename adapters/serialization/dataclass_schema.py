"""Marshmallow schemas derived from dataclasses: one schema field for each dataclass field."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar, get_args, get_origin

from marshmallow import RAISE, Schema, fields, post_load

from domain.json_values import Json

_Schema = TypeVar("_Schema", bound="DataclassSchema")


class DataclassSchema(Schema):
    """The base of derived schemas. Unknown keys are errors; tuples are lists in JSON."""

    class Meta:
        """Options of marshmallow."""

        unknown = RAISE
        register = False

    field_types: ClassVar[dict[Any, Callable[..., fields.Field[Any]]]] = {
        str: fields.String,
        int: fields.Integer,
        bool: fields.Boolean,
        datetime: partial(fields.AwareDateTime, format="iso"),
        Json: partial(fields.Raw, allow_none=True),
    }
    """The schema field for each type that a dataclass field can have, apart from containers and other dataclasses."""
    dataclass: ClassVar[type[Any]]

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """Returns the dataclass instance."""
        tuples = {name: tuple(data[name]) for name in data if isinstance(self.fields[name], fields.List)}
        return self.dataclass(**data | tuples)


def schema_for(dataclass: type[Any], base: type[_Schema]) -> _Schema:
    """Returns a schema that dumps and loads instances of `dataclass`. Fields without a default are required."""
    derived = {
        field.name: _schema_field(
            field.type,
            base,
            required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(dataclass)
    }
    schema: type[_Schema] = type(dataclass.__name__, (base,), {**derived, "dataclass": dataclass})
    return schema()


def _schema_field(annotation: Any, base: type[DataclassSchema], *, required: bool = True) -> fields.Field[Any]:
    annotation = getattr(annotation, "__supertype__", annotation)  # the type under a NewType
    arguments = get_args(annotation)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return fields.Nested(schema_for(annotation, base), required=required)
    if get_origin(annotation) is tuple:
        return fields.List(_schema_field(arguments[0], base), required=required)
    if get_origin(annotation) in (dict, Mapping):
        return fields.Dict(keys=fields.String(), values=_schema_field(arguments[1], base), required=required)
    return base.field_types[annotation](required=required)
