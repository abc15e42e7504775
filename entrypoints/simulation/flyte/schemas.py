"""The request and response bodies of a simulated Flyte: packs, events, actions and the audit."""

import json
import re
from collections.abc import Mapping
from datetime import datetime

import yaml
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Length

from entrypoints.simulation.flyte.links import Link, Links, is_reserved
from entrypoints.simulation.flyte.models import Action, Event, FlowRun, Pack
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


class _DeclarationSchema(Schema):
    name = fields.String()
    events = fields.List(fields.String(), allow_none=True)


class _PackDefinitionSchema(Schema):
    name = fields.String(required=True, validate=Length(min=1))
    labels = fields.Dict(fields.String(), fields.String(), allow_none=True)
    commands = fields.List(fields.Nested(_DeclarationSchema, unknown=EXCLUDE), allow_none=True)
    events = fields.List(fields.Nested(_DeclarationSchema, unknown=EXCLUDE), allow_none=True)
    links = fields.List(fields.Dict(fields.String(), fields.String()), allow_none=True)


def decode(body: bytes, content_type: str) -> object:
    """Decodes JSON or YAML, and replaces lone surrogates by U+FFFD. Raises InvalidBody."""
    try:
        text = body.decode("utf-8", errors="replace")
        value = yaml.safe_load(text) if content_type == YAML else json.loads(text)
        return _replace_surrogates(value) if "\\u" in text else value
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidBody("the body can't be decoded") from error


def read_pack(body: object) -> Pack:
    """Reads the definition of a pack. Raises InvalidBody, also for link relations reserved for the server."""
    definition = _object(body)
    try:
        values = _PackDefinitionSchema().load(definition, unknown=EXCLUDE)
    except ValidationError as error:
        raise InvalidBody(str(error)) from error
    if is_reserved(values.get("links") or []):
        raise InvalidBody("a link's relation is reserved for the server")
    return Pack.create(values["name"], values.get("labels") or {}, definition)


def read_event(body: object, pack: Pack, received: datetime) -> Event:
    """Reads an event of a pack, received at this time. Raises InvalidBody."""
    values = _object(body)
    name, created = values.get("event"), values.get("createdAt")
    if name is not None and not isinstance(name, str):
        raise InvalidBody("event is not a string")
    if created is None:
        return Event(pack, name or "", values.get("payload"), received, received)
    created_at = parse(created) if isinstance(created, str) else None
    if created_at is None or not isinstance(created, str):
        raise InvalidBody("createdAt is not an RFC 3339 time")
    return Event(pack, name or "", values.get("payload"), created_at, received, created)


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


def audit_fields(action: Action) -> Mapping[str, str]:
    """Returns the fields that the audit can be searched by, under the names of its parameters."""
    return {
        "flowName": action.run.flow_name,
        "stepId": action.step_id,
        "actionName": action.name,
        "actionPackName": action.pack_name,
    }


def _action_in_audit(action: Action) -> Mapping[str, object]:
    states = [{"value": str(state), "time": format_utc(time)} for state, time in action.states]
    return {
        "id": action.id,
        "name": action.name,
        "packName": action.pack_name,
        "packLabels": dict(action.pack_labels),
        "input": action.input,
        "state": states[-1],
        "states": states,
        "correlationId": action.run.correlation_id,
        "flowName": action.run.flow_name,
        "stepId": action.step_id,
        "context": dict(action.context),
        "trigger": _event_body(action.trigger),
        "result": _event_body(action.result) if action.result else _NO_EVENT,
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


def _object(body: object) -> Mapping[str, object]:
    if not isinstance(body, dict):
        raise InvalidBody("expected an object")
    return body


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    return value
