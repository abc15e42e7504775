"""The request and response bodies of a simulated Flyte: packs, events, actions and the audit."""

import json
import math
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import yaml
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

from entrypoints.simulation.flyte.datastore import DatastoreItem
from entrypoints.simulation.flyte.links import Link, Links, is_reserved
from entrypoints.simulation.flyte.models import Action, Event, FlowRun, Pack
from entrypoints.simulation.flyte.yaml_reader import read_yaml
from entrypoints.simulation.pongo2.rfc3339 import format_utc, parse

YAML = "application/x-yaml"

# The decoder has combined those that form pairs.
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_NO_EVENT: Mapping[str, object] = {
    "event": "",
    "pack": {"id": "", "name": ""},
    "createdAt": "0001-01-01T00:00:00Z",
    "receivedAt": "0001-01-01T00:00:00Z",
}


class InvalidBody(Exception):
    """The server does not accept a body, and responds with 400."""


class _GoSchema(Schema):
    """Reads an object as Go does: keys in any case, unknown ones ignored, null like a missing value."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE

    @pre_load
    def normalize(self, data: object, **_: object) -> object:
        """Renames known keys, and drops nulls. Of two keys that differ in case only, the last one counts."""
        if not isinstance(data, dict):
            return {} if data is None else data
        keys = [field.data_key or name for name, field in self.fields.items()]
        names = {key.lower(): key for key in keys}
        values = {names.get(key.lower(), key): value for key, value in data.items()}
        return {name: value for name, value in values.items() if value is not None}


def _require_time(text: str) -> None:
    if parse(text) is None:
        raise ValidationError("not an RFC 3339 time")


def _time(key: str) -> fields.String:
    return fields.String(data_key=key, validate=_require_time)


class _DeclarationSchema(_GoSchema):
    name = fields.String()
    events = fields.List(fields.String(allow_none=True))


class _LinkSchema(_GoSchema):
    href = fields.String()
    rel = fields.String()


class _PackSchema(_GoSchema):
    id = fields.String()
    name = fields.String()
    labels = fields.Dict(fields.String(), fields.String(allow_none=True))


class _PackDefinitionSchema(_PackSchema):
    commands = fields.List(fields.Nested(_DeclarationSchema))
    events = fields.List(fields.Nested(_DeclarationSchema))
    links = fields.List(fields.Nested(_LinkSchema))
    last_seen = _time("lastSeen")


class _EventSchema(_GoSchema):
    event = fields.String()
    payload = fields.Raw()
    pack = fields.Nested(_PackSchema)
    created_at = _time("createdAt")
    received_at = _time("receivedAt")


def decode(body: bytes, content_type: str) -> object:
    """Decodes JSON or YAML as the server does, and replaces lone surrogates by U+FFFD. Raises InvalidBody."""
    try:
        text = body.decode("utf-8", errors="replace")
        value = read_yaml(text).data if content_type == YAML else _read_json(text)
        return _replace_surrogates(value) if "\\u" in text else value
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidBody("the body can't be decoded") from error


def read_pack(body: object) -> Pack:
    """Reads the definition of a pack. Raises InvalidBody, also for link relations reserved for the server."""
    definition = _load(_PackDefinitionSchema(), body)
    if is_reserved(definition.get("links", [])):
        raise InvalidBody("a link's relation is reserved for the server")
    return Pack.create(definition.get("name", ""), _labels(definition), definition)


def read_event(body: object, pack: Pack, received: datetime) -> Event:
    """Reads an event of a pack, as far as the body names no other, received at this time. Raises InvalidBody."""
    values = _load(_EventSchema(), body)
    if named := values.get("pack"):
        labels = {**pack.labels, **_labels(named)}
        pack = Pack(named.get("id", pack.id), named.get("name", pack.name), labels, pack.definition)
    created = values.get("created_at")
    created_at = (parse(created) if created else None) or received
    return Event(pack, values.get("event", ""), values.get("payload"), created_at, received, created)


def pack_body(pack: Pack, links: Links, last_seen: datetime) -> Mapping[str, object]:
    """Returns a pack as the server sends it."""
    return {
        **_pack_reference(pack),
        "commands": links.commands(pack),
        "events": pack.definition.get("events") or [],
        "lastSeen": last_seen.isoformat(),
        "links": links.pack(pack),
        "status": "live",
    }


def pack_summary(pack: Pack, links: Links, last_seen: datetime) -> Mapping[str, object]:
    """Returns a pack as the server lists it."""
    own = links.self_link(links.pack_path(pack.id))
    return {**_pack_reference(pack), "lastSeen": last_seen.isoformat(), "links": own, "status": "live"}


def action_body(action: Action, link: Link) -> bytes:
    """Returns an action as the response to `take`."""
    if action.raw_body is not None:
        return action.raw_body.replace(b"{result}", link["href"].encode())
    return json.dumps({"command": action.name, "input": action.input, "links": [link]}).encode()


def run_body(run: FlowRun, links: Links) -> Mapping[str, object]:
    """Returns a run as in the audit."""
    return {
        "name": run.flow_name,
        "uuid": run.correlation_id,
        "correlationId": run.correlation_id,
        "steps": (run.flow.source.get("steps") if run.flow else None) or [],
        "actions": {action.step_id: _action_in_audit(action) for action in run.actions},
        "links": links.self_link(f"/v1/audit/flows/{run.correlation_id}"),
    }


def items_body(items: Mapping[str, DatastoreItem], links: Links) -> Mapping[str, object]:
    """Returns the items of the datastore as the server lists them."""
    path = "/v1/datastore"
    listed = [
        {"key": key, "contentType": item.content_type}
        | ({"description": item.description} if item.description else {})
        | {"links": links.self_link(f"{path}/{key}")}
        for key, item in items.items()
    ]
    return {"links": links.listing(path, "/swagger#/datastore"), "datastore": listed}


def audit_fields(action: Action) -> Mapping[str, str]:
    """Returns the fields that the audit can be searched by, under the names of its parameters."""
    return {
        "flowName": action.run.flow_name,
        "stepId": action.step_id,
        "actionName": action.name,
        "actionPackName": action.pack_name,
    }


def _action_in_audit(action: Action) -> Mapping[str, object]:
    known = action.states[:1] if action.is_new_in_audit else action.states
    states = [{"value": str(state), "time": format_utc(time)} for state, time in known]
    result = None if action.is_new_in_audit else action.result
    return {
        "id": action.id,
        "name": action.name,
        "packName": action.pack_name,
        **({"packLabels": dict(action.pack_labels)} if action.pack_labels else {}),
        "input": action.input,
        "state": states[-1],
        "states": states,
        "correlationId": action.run.correlation_id,
        "flowName": action.run.flow_name,
        "flowUUID": action.run.correlation_id,
        "stepId": action.step_id,
        "context": dict(action.context),
        "trigger": _event_body(action.trigger),
        "result": _event_body(result) if result else _NO_EVENT,
    }


def _event_body(event: Event) -> Mapping[str, object]:
    return {
        "event": event.name,
        "pack": _pack_reference(event.pack),
        "payload": event.payload,
        "createdAt": format_utc(event.created_at),
        "receivedAt": format_utc(event.received_at),
    }


def _pack_reference(pack: Pack) -> dict[str, object]:
    return {"id": pack.id, "name": pack.name, **({"labels": dict(pack.labels)} if pack.labels else {})}


def _load(schema: Schema, body: object) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", schema.load(cast("Mapping[str, Any]", body)))
    except ValidationError as error:
        raise InvalidBody(str(error)) from error


def _labels(pack: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: value or "" for key, value in pack.get("labels", {}).items()}


def _refuse_constant(_: str) -> float:
    raise InvalidBody("there is no such number in JSON")


def _number(text: str) -> float:
    """As Go's float64."""
    value = float(text)
    if math.isinf(value):
        raise InvalidBody("a number is too large")
    return value


def _integer(text: str) -> int:
    return int(text) if len(text) <= sys.float_info.dig else int(_number(text))


_JSON = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_number, parse_int=_integer)


def _read_json(text: str) -> object:
    """Returns the first value; the server ignores what follows."""
    value, _ = _JSON.raw_decode(text.lstrip(" \t\r\n"))
    return value


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    return value
