"""Takes and completes actions of Flyte, with every kind of response."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from structlog.testing import capture_logs

from adapters.flyte.workflow import FlyteWorkflow
from domain.actions import Action, ActionId
from domain.channels import ChannelId
from domain.commands import Broadcast, Command, UnknownCommand, UnreadableCommand
from domain.errors import (
    ActionTakenElsewhere,
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from domain.events import BroadcastSent, Fatal, RichMessageSent
from domain.messages import Receipt
from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, LONG_AGO, NOON, received_message
from tests.support.flyte import registered
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server

TAKE = "/v1/packs/Slack/actions/take"
SENT = BroadcastSent("hello", ())

LOST_OR_REFUSED: list[tuple[Fault, type[WorkflowError]]] = [
    (faults.status(401), WorkflowUnauthorized),
    (faults.status(403), WorkflowUnauthorized),
    (faults.status(404), PackNotRegistered),
    (faults.status(405), WorkflowUnreachable),
    (faults.status(429), WorkflowUnreachable),
    (faults.status(501), WorkflowServerError),
    (faults.status(502), WorkflowInDoubt),
    (faults.status(503), WorkflowUnreachable),
    (faults.status(504), WorkflowInDoubt),
    (faults.html(), WorkflowUnreachable),
    (faults.redirect("/v1/elsewhere"), WorkflowUnreachable),
    (faults.redirect("http://["), WorkflowUnreachable),
    (faults.malformed(), WorkflowInDoubt),
    (Reset(), WorkflowInDoubt),
    (Reset(after_effect=True), WorkflowInDoubt),
    (Hang(), WorkflowInDoubt),
    (Hang(after_effect=True), WorkflowInDoubt),
]
"""Faults with the same error for a take, a result and an event."""


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer() as flyte:
        yield flyte


@pytest.fixture
async def workflow(flyte: FlyteServer) -> AsyncIterator[FlyteWorkflow]:
    async with registered(flyte, timeout_seconds=1.0) as workflow:
        yield workflow


async def _take(workflow: FlyteWorkflow) -> Action:
    action = await workflow.take()
    assert action is not None
    return action


@pytest.mark.parametrize(("fault", "kind"), [*LOST_OR_REFUSED, (faults.status(500), ActionTakenElsewhere)])
async def test_a_failed_take_raises_the_error_for_its_cause(
    flyte: FlyteServer, workflow: FlyteWorkflow, fault: Fault, kind: type[WorkflowError]
) -> None:
    flyte.faults.plan("take", fault)
    with pytest.raises(kind):
        await workflow.take()
    assert await workflow.take() is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        *LOST_OR_REFUSED,
        (faults.status(400), RejectedByWorkflow),
        (faults.status(413), RejectedByWorkflow),
        (faults.status(500), WorkflowServerError),
        (faults.status(200), WorkflowInDoubt),
        (faults.status(204), WorkflowInDoubt),
    ],
)
@pytest.mark.parametrize("route", ["result", "event"])
async def test_a_failed_result_or_event_raises_the_error_for_its_cause(
    flyte: FlyteServer, workflow: FlyteWorkflow, route: str, fault: Fault, kind: type[WorkflowError]
) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    action = await _take(workflow)
    flyte.faults.plan(route, fault)
    request = (
        workflow.complete(action.id, SENT, NOON)
        if route == "result"
        else workflow.publish(received_message("1.1"), NOON)
    )
    with pytest.raises(kind):
        await request


@pytest.mark.parametrize("status", [400, 404, 405, 500])
async def test_an_html_page_from_a_gateway_does_not_reject_a_result(status: int) -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(
            status, "<html>no route</html>", content_type="text/html; charset=utf-8"
        )

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            with pytest.raises(WorkflowUnreachable, match="an HTML page, so not from Flyte"):
                await workflow.complete(ActionId(f"{server.url}/v1/packs/Slack/actions/1/result"), SENT, NOON)
            with pytest.raises(WorkflowUnreachable, match="an HTML page, so not from Flyte"):
                await workflow.take()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, "", PackNotRegistered),
        (404, "Not Found", PathRefused),
        (404, "Not Found\n", PathRefused),
        (404, "default backend - 404", PackNotRegistered),
        (405, "Method Not Allowed", PathRefused),
        (405, "", PathRefused),
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/octet-stream"])
async def test_a_path_that_the_router_does_not_know_is_not_an_unknown_pack(
    status: int, body: str, kind: type[WorkflowError], content_type: str
) -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(status, body, content_type=content_type)

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            for request in (
                workflow.take(),
                workflow.publish(received_message("1.1"), NOON),
                workflow.complete(ActionId(f"{server.url}/v1/packs/Slack/actions/1/result"), SENT, NOON),
            ):
                with pytest.raises(WorkflowError) as refusal:
                    await request
                assert type(refusal.value) is kind


async def test_a_404_with_an_incomplete_body_is_an_unknown_pack() -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(404, "", Content_Length="9")

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            with pytest.raises(PackNotRegistered):
                await workflow.take()


async def test_a_request_that_was_not_sent_is_not_in_doubt(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    await flyte.go_down()
    with pytest.raises(WorkflowError):
        await workflow.take()  # on the connection that has just died
    for request in (workflow.take(), workflow.publish(received_message("1.1"), NOON)):
        with pytest.raises(WorkflowUnreachable, match="could not be sent"):
            await request


async def test_an_action_in_a_lost_response_is_pending(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    flyte.faults.plan("take", Reset(after_effect=True))
    with pytest.raises(WorkflowInDoubt):
        await workflow.take()
    [action] = (await workflow.open_actions(LONG_AGO)).taken
    assert action.command == Broadcast("hello")
    await workflow.complete(action.id, SENT, NOON)
    assert len(flyte.results) == 1


async def test_the_time_of_a_result_is_in_utc_with_milliseconds(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    action_id = flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    at = datetime(2024, 5, 17, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    await workflow.complete((await _take(workflow)).id, SENT, at)
    assert flyte.results[action_id].created_text == "2024-05-17T12:00:00.000Z"


async def test_the_id_of_an_action_is_its_result_link(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    action_id = flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    expected = f"{flyte.api_url}/v1/packs/Slack.env.test.region.eu/actions/{action_id}/result"
    assert (await _take(workflow)).id == expected


async def test_an_action_can_be_completed_after_a_restart(flyte: FlyteServer) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    async with registered(flyte) as workflow:
        action = await _take(workflow)
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
        action = await _take(workflow)
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
    action = await _take(workflow)
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


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b"null", b'{"command": "Broadcast", "input": {', b"\xff\xfe"])
async def test_an_unreadable_response_to_a_take_is_in_doubt(
    flyte: FlyteServer, workflow: FlyteWorkflow, body: bytes
) -> None:
    flyte.queue_raw("Slack", body)
    with pytest.raises(WorkflowInDoubt, match="an action may be lost"):
        await workflow.take()


async def test_an_incomplete_response_is_in_doubt() -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(200, b'{"command"', Content_Length="1000")

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            with pytest.raises(WorkflowInDoubt, match="the connection broke"):
                await workflow.take()


async def test_a_202_with_an_incomplete_body_is_a_success() -> None:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(202, b"", Content_Length="10")

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            await workflow.publish(received_message("1.1"), NOON)


async def test_a_slow_response_is_awaited(flyte: FlyteServer, workflow: FlyteWorkflow) -> None:
    flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
    flyte.faults.plan("take", Slow(0.1))
    assert (await _take(workflow)).command == Broadcast("hello")


async def test_a_cancelled_take_ends_at_once() -> None:
    async with scripted_server(flyte_registration) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            take = asyncio.create_task(workflow.take(), name="take")
            await server.wait_for_request(TAKE)
            take.cancel()
            with pytest.raises(asyncio.CancelledError):
                await take


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
    action = await _take(workflow)
    with pytest.raises(RejectedByWorkflow, match="has no JSON form"):
        await workflow.complete(action.id, RichMessageSent({"x": float("nan")}, Receipt(ChannelId("C1"), "1")), NOON)


async def test_no_traceback_contains_the_jwt() -> None:
    async with (
        FlyteServer(jwt="jot-of-gold") as flyte,
        registered(flyte, jwt="jot-of-gold", timeout_seconds=1.0) as ours,
    ):
        for fault, _ in LOST_OR_REFUSED:
            flyte.faults.plan("event", fault)
            with pytest.raises(WorkflowError) as failure:
                await ours.publish(received_message("1.1"), NOON)
            text = "".join(traceback.format_exception(failure.value))
            assert "jot-of-gold" not in text
