"""Requests to Flyte that fail, get no response, or get one that can't be read: which error each raises."""

import asyncio
import traceback

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from domain.actions import ActionId
from domain.commands import Broadcast
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
from domain.events import BroadcastSent
from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, LONG_AGO, NOON, received_message
from tests.support.flyte import registered, taken
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
    action = await taken(workflow)
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


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"ok", b"[]", b"null", b'{"command": "Broadcast", "input": {', b"\xff\xfe"),
        *(b"{}", b'{"error": "too busy"}', b'{"command": null, "links": []}'),
    ],
)
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
    assert (await taken(workflow)).command == Broadcast("hello")


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
