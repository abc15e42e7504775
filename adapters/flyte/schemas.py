"""The JSON that Flyte and the pack exchange."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from adapters.flyte import errors
from adapters.flyte.response import FlyteResponse
from adapters.serialization.command_inputs import INPUT_TOO_LARGE, parse_command
from adapters.serialization.json_codec import read_json, replace_surrogates_deep, write_json
from application.catalog.specs import TRACE_PARENT
from application.ports.workflow import PackDefinition
from domain.commands import Command, UnknownCommand, UnreadableCommand, command_name
from domain.errors import RejectedByWorkflow
from domain.json_values import Json

_TRACE_PARENT_FORM: Final = re.compile("[0-9a-f-]{55}")


def pack_json(definition: PackDefinition, help_url: str) -> bytes:
    """Returns the body of a registration."""
    commands: list[Json] = [{"name": command.name, "events": list(command.events)} for command in definition.commands]
    events: list[Json] = [{"name": name} for name in definition.events]
    labels: dict[str, Json] = dict(definition.labels)
    return _to_json(
        {
            "name": definition.name,
            "labels": labels,
            "links": [{"href": help_url, "rel": "help"}],
            "commands": commands,
            "events": events,
        }
    )


def event_json(name: str, payload: Json, at: datetime) -> bytes:
    """Returns the body of an event or an action's result. Raises RejectedByWorkflow if it has no JSON form."""
    created_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _to_json({"event": name, "payload": payload, "createdAt": created_at})


def command_from(name: Json, given: Json, *, is_too_large: bool = False) -> Command:
    """Returns an action's command. An action without a name has an UnknownCommand.

    Input that `is_too_large` was left out, and makes a known command unreadable.
    """
    command = parse_command(name if isinstance(name, str) else "", given)
    if is_too_large and not isinstance(command, UnknownCommand):
        return UnreadableCommand(command_name(command), INPUT_TOO_LARGE)
    return command


def with_trace_parent(payload: Json, trace_parent: str | None) -> Json:
    """Returns the payload of an event with the trace context, if one is given and the payload is an object."""
    return {**payload, TRACE_PARENT: trace_parent} if trace_parent and isinstance(payload, dict) else payload


def split_trace_parent(given: Json) -> tuple[Json, str | None]:
    """Returns the input of an action without its trace context, and that context; None if it has none."""
    if not isinstance(given, dict) or TRACE_PARENT not in given:
        return given, None
    found = given[TRACE_PARENT]
    is_valid = isinstance(found, str) and _TRACE_PARENT_FORM.fullmatch(found)
    return {name: value for name, value in given.items() if name != TRACE_PARENT}, str(found) if is_valid else None


def parse_body(response: FlyteResponse) -> Json:
    """Returns the JSON of a response with links. Raises WorkflowError for any other response."""
    if response.status == HTTPStatus.NOT_FOUND:
        raise errors.not_flyte(response.url, "it returned 404")
    if response.status not in (HTTPStatus.OK, HTTPStatus.CREATED) or response.is_html:
        raise errors.unexpected_response(response)
    try:
        return read_json(response.body)
    except ValueError:
        raise errors.not_flyte(response.url, "its response is not JSON") from None


def _to_json(value: Json) -> bytes:
    try:
        return write_json(value)
    except UnicodeEncodeError:
        return write_json(replace_surrogates_deep(value))
    except ValueError as error:
        raise RejectedByWorkflow(f"the content has no JSON form: {error}") from error
