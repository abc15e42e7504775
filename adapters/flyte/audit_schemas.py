"""The JSON of Flyte's audit: flow runs, their actions, and the events that triggered these."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from marshmallow import EXCLUDE, ValidationError, fields, pre_load

from adapters.serialization.dataclass_schema import DataclassSchema, schema_for
from domain.json_values import Json


@dataclass(frozen=True, slots=True)
class AuditedPack:
    """The pack that published an event."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The event that triggered an action."""

    event: str = ""
    pack: AuditedPack = AuditedPack()
    payload: Json = None
    created_at: datetime | None = None
    """None if Flyte does not say."""


@dataclass(frozen=True, slots=True)
class AuditedState:
    """The state of an action, and when it was entered."""

    value: str
    """`NEW`, `PENDING`, `SUCCESS` or `FATAL`."""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditedAction:
    """An action of a flow run."""

    id: str
    name: str
    pack_name: str
    state: AuditedState
    pack_labels: Mapping[str, str] = field(default_factory=dict)
    input: Json = None
    trigger: Trigger = Trigger()


def parse_run(run: Json) -> list[AuditedAction]:
    """Returns the actions of a flow run, without those that can't be parsed."""
    actions = run.get("actions") if isinstance(run, dict) else None
    return list(_parse_actions(actions.values() if isinstance(actions, dict) else ()))


def parse_time(text: object) -> datetime | None:
    """Returns an RFC 3339 time; None for anything else and for Go's zero time."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if time is None or time.tzinfo is None or time.year == 1 else time


class _Time(fields.Field[datetime | None]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime | None:
        return parse_time(value)


class _FlyteSchema(DataclassSchema):
    """Ignores unknown keys, and takes null, which Go writes for empty values, as a missing value."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE
        register = False

    field_types = DataclassSchema.field_types | {datetime | None: _Time}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Maps names to Flyte's camel case."""
        first, *others = field_name.split("_")
        field_obj.data_key = first + "".join(map(str.capitalize, others))

    @pre_load
    def drop_nulls(self, data: Any, **_: Any) -> Any:
        """Removes keys without a value."""
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


_ACTION = schema_for(AuditedAction, _FlyteSchema)


def _parse_actions(actions: Iterable[Json]) -> Iterator[AuditedAction]:
    for action in actions:
        try:
            yield cast("AuditedAction", _ACTION.load(cast("Mapping[str, Any]", action)))
        except ValidationError:
            continue
