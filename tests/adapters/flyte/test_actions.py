"""Takes and completes actions of Flyte, with any content."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from structlog.testing import capture_logs

from adapters.flyte.workflow import FlyteWorkflow
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.commands import Broadcast, Command, UnknownCommand, UnreadableCommand
from domain.errors import (
    PackNotRegistered,
    RejectedByWorkflow,
    WorkflowServerError,
)
from domain.events import BroadcastSent, Fatal, RichMessageSent
from domain.messages import Receipt
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, NOON, received_message
from tests.support.flyte import registered, taken
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server

TAKE = "/v1/packs/Slack/actions/take"
SENT = BroadcastSent("hello", ())


async def test_the_time_of_a_result_is_in_utc_with_milliseconds(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    action_id = flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    at = datetime(2024, 5, 17, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    await workflow.complete((await taken(workflow)).id, SENT, at)
    assert flyte.results[action_id].created_text == "2024-05-17T12:00:00.000Z"


async def test_the_id_of_an_action_is_its_result_link(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    action_id = flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    expected = f"{flyte.api_url}/v1/packs/Slack.env.test.region.eu/actions/{action_id}/result"
    assert (await taken(workflow)).id == expected


async def test_an_action_can_be_completed_after_a_restart(flyte: FlyteServer) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    async with registered(flyte) as workflow:
        action = await taken(workflow)
    async with registered(flyte) as workflow:
        await workflow.complete(action.id, SENT, NOON)
    assert len(flyte.results) == 1


async def test_an_action_with_a_result_link_to_another_origin_is_taken_but_not_completed(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    async with scripted_server(lambda _: http_response(202)) as other:
        body = {
            "command": "Broadcast",
            "input": {"message": "hello"},
            "links": [{"rel": "#/actionResult", "href": f"{other.url}/v1/packs/Slack/actions/1/result"}],
        }
        flyte.queue_raw("Slack", json.dumps(body).encode())
        action = await taken(workflow)
        with pytest.raises(WorkflowServerError, match="X-Forwarded-Host"):  # no outage, for which all else would wait
            await workflow.complete(action.id, SENT, NOON)
        assert other.requests == []


@pytest.mark.parametrize("action_id", ["action-1", "", "http://[", "/v1/packs/Slack/actions/1/result"])
async def test_an_action_of_another_engine_is_not_registered(workflow: FlyteWorkflow, action_id: str) -> None:
    with pytest.raises(PackNotRegistered):
        await workflow.complete(ActionId(action_id), SENT, NOON)


RESULT = b'"links": [{"rel": "http://h/swagger#/help", "href": "/x"}, {"rel": "h#/actionResult", "href": "{result}"}]'


@pytest.mark.parametrize(
    ("body", "command"),
    [
        (b'{"command": "Broadcast", "input": {"message": "hello"}, %s}', Broadcast("hello")),
        (b'{"command": "Broadcast", %s}', Broadcast("")),
        (b'{"command": "Broadcast", "input": null, %s}', Broadcast("")),
        (b'\xef\xbb\xbf{"command": "Broadcast", "input": {"message": "caf\xe9"}, %s}', Broadcast("caf�")),
        (b'{"command": "Broadcast", "input": {"message": "\\ud800 \\ud83d\\ude00"}, %s}', Broadcast("� 😀")),
        (
            b'{"command": "Broadcast", "input": [], %s}',
            UnreadableCommand("Broadcast", "input must be a JSON object, not a list"),
        ),
        (
            b'{"command": "Broadcast", "input": {"x": NaN}, %s}',
            UnreadableCommand("Broadcast", "input contains a number that has no JSON form"),
        ),
        (
            b'{"command": "Broadcast", "input": {"x": ' + b"1" * 5000 + b"}, %s}",
            UnreadableCommand("Broadcast", "input contains a number that has no JSON form"),
        ),
        (
            b'{"command": "Broadcast", "input": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}, %s}",
            UnreadableCommand("Broadcast", "input is nested deeper than 100 levels"),
        ),
        (
            b'{"command": "Broadcast", "input": {"message": "' + b"x" * 2**20 + b'"}, %s}',
            UnreadableCommand("Broadcast", "input is larger than 1 MiB"),
        ),
        (b'{"command": "Shout", "input": {}, %s}', UnknownCommand("Shout")),
        (b'{"command": "", "input": {}, %s}', UnknownCommand("")),
        (b'{"command": 5, "input": {}, %s}', UnknownCommand("")),
        (b'{"command": null, %s}', UnknownCommand("")),
        (b"{%s}", UnknownCommand("")),
    ],
)
async def test_an_action_with_any_content_is_taken_and_can_be_completed(
    flyte: FlyteServer, workflow: FlyteWorkflow, body: bytes, command: Command
) -> None:
    flyte.queue_raw("Slack", body.replace(b"%s", RESULT))
    action = await taken(workflow)
    assert action.command == command
    await workflow.complete(action.id, Fatal("x"), NOON)
    assert len(flyte.results) == 1


@pytest.mark.parametrize(
    "links",
    [
        "",
        ', "links": []',
        ', "links": null',
        ', "links": {}',
        ', "links": [{"rel": "#/help", "href": "/x"}]',
        ', "links": [{"rel": "#/actionResult"}]',
        ', "links": [{"rel": "#/actionResult", "href": null}]',
        ', "links": [{"rel": "#/actionResult", "href": "http://["}]',
    ],
)
async def test_an_action_without_a_result_link_is_logged_without_its_input_and_skipped(
    flyte: FlyteServer, workflow: FlyteWorkflow, links: str
) -> None:
    flyte.queue_raw("Slack", f'{{"command": "Broadcast", "input": {{"message": "private"}}{links}}}'.encode())
    with capture_logs() as logs:
        assert await workflow.take() is None
    assert [(entry["event"], entry["command"]) for entry in logs] == [("action_without_result_link", "Broadcast")]
    assert "private" not in str(logs)


async def test_a_take_is_a_post_without_a_body_and_an_event_is_compact_json() -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(204 if request.target == TAKE else 202)

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            await workflow.take()
            await workflow.publish(received_message("1.1", "wörld"), datetime(2024, 5, 17, tzinfo=UTC))
    take, event = server.requests[-2:]
    assert (take.method, take.body, take.headers["content-length"]) == ("POST", b"", "0")
    assert event.headers["content-type"] == "application/json"
    assert event.body.startswith(b'{"event":"ReceivedMessage","payload":{"channelId":"C1","user":{"id":"U1",')
    assert event.body.endswith(b'"createdAt":"2024-05-17T00:00:00.000Z"}')
    assert "wörld".encode() in event.body


async def test_a_payload_without_a_json_form_is_rejected_and_surrogates_are_replaced(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    await workflow.publish(received_message("1.1", "a\ud800"), NOON)
    assert flyte.events[-1].payload["message"] == "a�"  # type: ignore[index] # an object, as the contract says
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    action = await taken(workflow)
    with pytest.raises(RejectedByWorkflow, match="has no JSON form"):
        await workflow.complete(action.id, RichMessageSent({"x": float("nan")}, Receipt(ChannelId("C1"), "1")), NOON)
