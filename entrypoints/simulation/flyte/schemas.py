"""The bodies that a simulated Flyte reads and writes: packs, events, actions and the audit."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import yaml

from entrypoints.simulation.flyte.links import Link, Links, is_reserved
from entrypoints.simulation.flyte.models import Action, Event, FlowRun, Pack
from entrypoints.simulation.pongo2.rfc3339 import format_utc, parse

YAML = "application/x-yaml"

# Those of pairs are one character by now.
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class InvalidBody(Exception):
    """A body is not what the server takes: 400."""


def decode(body: bytes, content_type: str) -> object:
    """The JSON value, or YAML one, that a body writes; lone surrogates become U+FFFD. Raises InvalidBody."""
    try:
        text = body.decode("utf-8", errors="replace")
        value = yaml.safe_load(text) if content_type == YAML else json.loads(text)
        return _clean(value) if "\\u" in text else value
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidBody("the body can't be read") from error


def read_pack(body: object) -> Pack:
    """The pack that a definition describes. Raises InvalidBody, also for link relations that are the server's."""
    definition = _object(body)
    name, labels = definition.get("name"), _texts({} if definition.get("labels") is None else definition["labels"])
    if not isinstance(name, str) or not name:
        raise InvalidBody("a pack has a name")
    commands, events, links = (_objects(definition.get(key)) for key in ("commands", "events", "links"))
    for one in (*commands, *events):
        if not isinstance(one.get("name", ""), str) or not _is_text_list(one.get("events") or []):
            raise InvalidBody("names of commands and events are strings")
    if is_reserved([_texts(link) for link in links]):
        raise InvalidBody("a link's relation is one of the server's own")
    return Pack.create(name, labels, definition)


def read_event(body: object, pack: Pack) -> Event:
    """The event of a pack that a body describes. Raises InvalidBody."""
    values = _object(body)
    name, created = values.get("event"), values.get("createdAt")
    if name is not None and not isinstance(name, str):
        raise InvalidBody("event is a string")
    received = datetime.now(UTC)
    if created is None:
        return Event(pack, name or "", values.get("payload"), received, received)
    moment = parse(created) if isinstance(created, str) else None
    if moment is None or not isinstance(created, str):
        raise InvalidBody("createdAt is an RFC 3339 time")
    return Event(pack, name or "", values.get("payload"), moment, received, created)


def pack_body(pack: Pack, links: Links, last_seen: datetime) -> Mapping[str, object]:
    """A pack as the server answers it."""
    return {
        "id": pack.id,
        "name": pack.name,
        **({"labels": dict(pack.labels)} if pack.labels else {}),
        "commands": links.commands(pack),
        "events": pack.definition.get("events") or [],
        "lastSeen": last_seen.isoformat(),
        "links": links.pack(pack),
        "status": "live",
    }


def action_body(action: Action, link: Link) -> bytes:
    """An action as `take` answers it."""
    if action.raw_body is not None:
        return action.raw_body.replace(b"{result}", link["href"].encode())
    return json.dumps({"command": action.name, "input": action.input, "links": [link]}).encode()


def run_body(run: FlowRun, links: Links) -> Mapping[str, object]:
    """A run as the audit answers it."""
    return {
        "name": run.flow.name if run.flow else "",
        "uuid": run.correlation_id,
        "correlationId": run.correlation_id,
        "steps": (run.flow.source.get("steps") if run.flow else None) or [],
        "actions": {action.step_id: _audited(action) for action in run.actions},
        "links": links.self_link(f"/v1/audit/flows/{run.correlation_id}"),
    }


def audit_fields(action: Action) -> Mapping[str, str]:
    """What the audit can be asked for, by the names of its parameters."""
    return {
        "flowName": action.run.flow.name if action.run.flow else "",
        "stepId": action.step_id,
        "actionName": action.name,
        "actionPackName": action.pack_name,
    }


def _audited(action: Action) -> Mapping[str, object]:
    states = [{"value": str(state), "time": format_utc(moment)} for state, moment in action.states]
    return {
        "id": action.id,
        "name": action.name,
        "packName": action.pack_name,
        "packLabels": dict(action.pack_labels),
        "input": action.input,
        "state": states[-1],
        "states": states,
        "correlationId": action.run.correlation_id,
        "flowName": action.run.flow.name if action.run.flow else "",
        "stepId": action.step_id,
        "context": dict(action.context),
        "trigger": _event_body(action.trigger),
        "result": _event_body(action.result) if action.result else _NO_EVENT,
    }


_NO_EVENT: Mapping[str, object] = {
    "event": "",
    "pack": {"id": "", "name": ""},
    "createdAt": "0001-01-01T00:00:00Z",
    "receivedAt": "0001-01-01T00:00:00Z",
}


def _event_body(event: Event) -> Mapping[str, object]:
    pack: dict[str, object] = {"id": event.pack.id, "name": event.pack.name}
    if event.pack.labels:
        pack["labels"] = dict(event.pack.labels)
    return {
        "event": event.name,
        "pack": pack,
        "payload": event.payload,
        "createdAt": format_utc(event.created_at),
        "receivedAt": format_utc(event.received_at),
    }


def _object(body: object) -> Mapping[str, object]:
    if not isinstance(body, dict):
        raise InvalidBody("an object expected")
    return body


def _objects(value: object) -> list[Mapping[str, object]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidBody("a list expected")
    return [_object(item) for item in value]


def _texts(value: object) -> Mapping[str, str]:
    texts = _object(value)
    if not all(isinstance(part, str) for pair in texts.items() for part in pair):
        raise InvalidBody("strings expected")
    return {key: str(text) for key, text in texts.items()}


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
