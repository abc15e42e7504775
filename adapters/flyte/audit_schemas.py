"""Flyte's audit, as JSON: flow runs, their actions, and the events that brought these about."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from domain.json_values import Json


@dataclass(frozen=True, slots=True)
class AuditedPack:
    """The pack that an event came from."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The event that brought an action about."""

    event: str = ""
    pack: AuditedPack = AuditedPack()
    payload: Json = None
    created_at: datetime | None = None
    """None where the engine does not tell."""


@dataclass(frozen=True, slots=True)
class AuditedState:
    """How far an action has come, and since when."""

    value: str
    """`NEW`, `PENDING`, `SUCCESS`, `FATAL`."""
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


def parse_runs(audit: Json) -> list[list[AuditedAction]]:
    """The actions of each flow run in the audit's response, in its order. What is not understood is left out.

    ValueError when the answer is not the audit's at all.
    """
    runs = audit.get("flows") if isinstance(audit, dict) else None
    if not isinstance(runs, list):
        raise ValueError("it has no list of flows")  # noqa: TRY004 - what is wrong is the response, not a caller's type
    return [list(_parse_actions(_actions(run))) for run in runs]


def parse_time(text: object) -> datetime | None:
    """A time in RFC 3339; None when it is none, or Go's zero time."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if time is None or time.tzinfo is None or time.year == 1 else time


class _Time(fields.Field[datetime | None]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime | None:
        return parse_time(value)


class _ForeignSchema(Schema):
    """Something of Flyte's, of which we read what we need."""

    class Meta:
        """Flyte may say more tomorrow."""

        unknown = EXCLUDE

    makes: ClassVar[type[Any]]

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """The value; Go writes null for what is empty, which is our default."""
        return self.makes(**{name: value for name, value in data.items() if value is not None})


class _PackSchema(_ForeignSchema):
    makes = AuditedPack
    name = fields.String()


class _TriggerSchema(_ForeignSchema):
    makes = Trigger
    event = fields.String()
    pack = fields.Nested(_PackSchema, allow_none=True)
    payload = fields.Raw(allow_none=True)
    created_at = _Time(data_key="createdAt", allow_none=True)


class _StateSchema(_ForeignSchema):
    makes = AuditedState
    value = fields.String(required=True)
    time = _Time(allow_none=True)


class _ActionSchema(_ForeignSchema):
    makes = AuditedAction
    id = fields.String(required=True)
    name = fields.String(required=True)
    pack_name = fields.String(required=True, data_key="packName")
    state = fields.Nested(_StateSchema, required=True)
    pack_labels = fields.Dict(keys=fields.String(), values=fields.String(), data_key="packLabels", allow_none=True)
    input = fields.Raw(allow_none=True)
    trigger = fields.Nested(_TriggerSchema, allow_none=True)


_ACTION = _ActionSchema()


def _actions(run: Json) -> Iterable[Json]:
    actions = run.get("actions") if isinstance(run, dict) else None
    return actions.values() if isinstance(actions, dict) else ()


def _parse_actions(actions: Iterable[Json]) -> Iterator[AuditedAction]:
    for action in actions:
        try:
            yield cast("AuditedAction", _ACTION.load(cast("Mapping[str, Any]", action)))
        except ValidationError:
            continue
