"""What goes to Flyte, and what comes from it, as JSON."""

from datetime import UTC, datetime
from http import HTTPStatus

from adapters.flyte import errors
from adapters.flyte.response import FlyteResponse
from adapters.serialization.json_codec import read_json, replace_surrogates_deep, write_json
from adapters.serialization.payloads import parse_command
from application.ports.workflow import PackDefinition
from domain.commands import Command
from domain.errors import RejectedByWorkflow
from domain.json_values import Json


def pack_json(offer: PackDefinition, help_url: str) -> bytes:
    """The pack as Flyte's registration takes it."""
    commands: list[Json] = [{"name": command.name, "events": list(command.events)} for command in offer.commands]
    events: list[Json] = [{"name": name} for name in offer.events]
    labels: dict[str, Json] = dict(offer.labels)
    return _to_json(
        {
            "name": offer.name,
            "labels": labels,
            "links": [{"href": help_url, "rel": "help"}],
            "commands": commands,
            "events": events,
        }
    )


def event_json(name: str, payload: Json, at: datetime) -> bytes:
    """An event, or an action's result, which are alike. Malformed: the payload has no JSON form."""
    created_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _to_json({"event": name, "payload": payload, "createdAt": created_at})


def command_from(name: Json, given: Json) -> Command:
    """What an action asks for. One without a name is of no known command."""
    return parse_command(name if isinstance(name, str) else "", given)


def parse_body(response: FlyteResponse) -> Json:
    """The JSON of the answers that lead to the pack, whose content type says nothing. WorkflowError for others."""
    if response.status == HTTPStatus.NOT_FOUND:
        raise errors.not_flyte(response.url, "it has nothing there (404)")
    if response.status not in (HTTPStatus.OK, HTTPStatus.CREATED) or response.is_html:
        raise errors.unexpected_response(response)
    try:
        return read_json(response.body)
    except ValueError:
        raise errors.not_flyte(response.url, "its answer is not JSON") from None


def _to_json(value: Json) -> bytes:
    try:
        return write_json(value)
    except UnicodeEncodeError:
        return write_json(replace_surrogates_deep(value))
    except ValueError as error:
        raise RejectedByWorkflow(f"this can't be told in JSON: {error}") from error
