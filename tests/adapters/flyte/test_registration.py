"""Registers the pack: follows links within Flyte's origin, and reports everything else with a reason."""

from base64 import b64encode
from dataclasses import replace

import pytest

from adapters.flyte.workflow import DOCUMENTATION, FlyteWorkflow
from application.ports.workflow import Completion
from domain.errors import (
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from domain.events import Fatal
from entrypoints.simulation.faults import Fault, Hang, Reset
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, LONG_AGO, NOON, received_message
from tests.support.flyte import registered
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server


async def _refusal(flyte_url: str, jwt: str = "", timeout_seconds: float = 5.0) -> WorkflowError:
    workflow = FlyteWorkflow(flyte_url, jwt=jwt, timeout_seconds=timeout_seconds)
    async with workflow.open():
        with pytest.raises(WorkflowError) as refusal:
            await workflow.register(DEFINITION)
    return refusal.value


async def test_the_pack_registers_its_commands_events_and_labels() -> None:
    async with FlyteServer() as flyte, registered(flyte):
        assert flyte.packs["Slack.env.test.region.eu"].definition == {
            "name": "Slack",
            "labels": {"env": "test", "region": "eu"},
            "links": [{"href": DOCUMENTATION, "rel": "help"}],
            "commands": [
                {"name": "SendMessage", "events": ["MessageSent", "SendMessageFailed"]},
                {"name": "Broadcast", "events": ["BroadcastSent"]},
            ],
            "events": [
                {"name": "MessageSent"},
                {"name": "SendMessageFailed"},
                {"name": "BroadcastSent"},
                {"name": "ReceivedMessage"},
            ],
        }


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_name_the_version_or_not_and_end_in_a_slash(end: str) -> None:
    async with FlyteServer() as flyte:
        workflow = FlyteWorkflow(f"{flyte.api_url}{end}")
        async with workflow.open():
            await workflow.register(DEFINITION)
            assert await workflow.take() is None


@pytest.mark.parametrize("base", ["/tools/flyte", "/tools/flyte/v1", "/tools/flyte/"])
async def test_the_base_url_may_have_a_prefix(base: str) -> None:
    async with scripted_server(
        lambda request: flyte_registration(request, "/tools/flyte/v1") or http_response(204)
    ) as server:
        workflow = FlyteWorkflow(f"{server.url}{base}")
        async with workflow.open():
            await workflow.register(DEFINITION)
            assert await workflow.take() is None
    assert [request.target for request in server.requests][-1] == "/tools/flyte/v1/packs/Slack/actions/take"


async def test_a_wrong_content_type_is_accepted() -> None:
    async with FlyteServer() as flyte:
        for route in ("api", "register"):
            flyte.faults.plan(route, faults.wrong_content_type())
        async with registered(flyte) as workflow:
            assert await workflow.take() is None


async def test_links_may_be_relative() -> None:
    def respond(request: Request) -> bytes:
        if request.target == "/v1":
            return http_response(200, '{"links": [{"rel": "#pack/listPacks", "href": "/v1/packs"}]}')
        if request.target == "/v1/packs":
            links = '[{"rel": "#takeAction", "href": "packs/Slack/take"}, {"rel": "#event", "href": "/e"}]'
            return http_response(201, f'{{"links": {links}}}')
        return http_response(204)

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            assert await workflow.take() is None
    assert server.requests[-1].target == "/v1/packs/Slack/take"


@pytest.mark.parametrize(
    ("route", "fault", "kind", "words"),
    [
        ("api", faults.html(), WorkflowUnreachable, "/v1 returned 200 and an HTML page, so not from Flyte"),
        ("api", faults.malformed(), WorkflowUnreachable, "/v1 is not Flyte: its response is not JSON"),
        (
            "api",
            faults.missing_links(),
            WorkflowUnreachable,
            "/v1 is not Flyte: its response has no link pack/listPacks",
        ),
        ("api", faults.status(404), WorkflowUnreachable, "/v1 is not Flyte: it returned 404"),
        ("api", faults.status(401), WorkflowUnauthorized, "Flyte requires a valid JWT"),
        ("api", faults.status(403), WorkflowUnauthorized, "Flyte requires a valid JWT"),
        ("api", faults.status(500), WorkflowServerError, "returned 500: Flyte failed"),
        ("api", faults.status(503), WorkflowUnreachable, "Flyte is unavailable"),
        ("api", faults.status(502), WorkflowUnreachable, "Flyte is unavailable"),
        ("api", faults.status(204), WorkflowUnreachable, "returned 204, which Flyte never does here"),
        ("api", faults.status(418), WorkflowUnreachable, "returned 418, which Flyte never does here"),
        ("api", Reset(), WorkflowUnreachable, "/v1 got no response: the connection broke"),
        ("api", Hang(), WorkflowUnreachable, "/v1 got no response: timed out"),
        ("register", faults.html(), WorkflowUnreachable, "/v1/packs returned 200 and an HTML page"),
        ("register", faults.malformed(), WorkflowUnreachable, "/v1/packs is not Flyte: its response is not JSON"),
        ("register", faults.missing_links(), WorkflowUnreachable, "its response has no link takeAction"),
        (
            "register",
            faults.status(400),
            RejectedByWorkflow,
            "/v1/packs returned 400: Flyte rejects the content of the request",
        ),
        ("register", faults.status(404), WorkflowUnreachable, "/v1/packs is not Flyte: it returned 404"),
        ("register", faults.status(500), WorkflowServerError, "/v1/packs returned 500"),
        ("register", faults.status(502), WorkflowUnreachable, "a gateway that got no response"),
        ("register", faults.status(202), WorkflowUnreachable, "which Flyte never does here"),
        ("register", Reset(after_effect=True), WorkflowUnreachable, "/v1/packs was sent and got no response"),
        ("register", Hang(after_effect=True), WorkflowUnreachable, "was sent and got no response: timed out"),
        (
            "register",
            faults.redirect("http://elsewhere.example/login?as=me"),
            WorkflowUnreachable,
            ("redirected (302) to http://elsewhere.example/login: posts follow no redirect"),
        ),
    ],
)
async def test_a_failed_registration_raises_an_error_that_names_cause_and_url(
    route: str, fault: Fault, kind: type[WorkflowError], words: str
) -> None:
    async with FlyteServer() as flyte:
        flyte.faults.plan(route, fault, times=None)
        refusal = await _refusal(flyte.api_url, timeout_seconds=1.0)
        assert isinstance(refusal, kind)
        assert words in str(refusal)
        assert flyte.api_url in str(refusal)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        '"text"',
        "{}",
        '{"links": null}',
        '{"links": {"rel": "pack/listPacks"}}',
        '{"links": [null, 1, "x", [], {}, {"rel": "pack/listPacks"}]}',
        '{"links": [{"rel": 1, "href": "/v1/packs"}]}',
        '{"links": [{"rel": "pack/listPacks", "href": 1}]}',
        '{"links": [{"rel": "pack/listPacks", "href": ""}]}',
        '{"links": [{"rel": "pack/listPacks", "href": "http://["}]}',
        '{"links": [{"rel": "pack/listPacks", "href": "ftp://flyte/v1/packs"}]}',
        '{"links": [{"rel": "pack/listPacks/other", "href": "/v1/packs"}]}',
        '{"links": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
async def test_a_response_without_a_usable_link_is_not_from_flyte(body: str) -> None:
    async with scripted_server(lambda _: http_response(200, body)) as server:
        refusal = await _refusal(server.url)
    assert isinstance(refusal, WorkflowUnreachable)
    assert "no link pack/listPacks" in str(refusal)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        http_response(200, "{}", Content_Length="100"),
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01\x00\x02\x02P",
    ],
)
async def test_flyte_is_unreachable_if_a_response_is_incomplete_or_not_http(answer: bytes) -> None:
    async with scripted_server(lambda _: answer) as server:
        refusal = await _refusal(server.url)
    assert isinstance(refusal, WorkflowUnreachable)
    assert "the connection broke" in str(refusal)


async def test_an_unreachable_flyte_is_reported_with_the_reason() -> None:
    async with FlyteServer() as flyte:
        await flyte.go_down()
        refusal = await _refusal(flyte.api_url)
        assert isinstance(refusal, WorkflowUnreachable)
        assert str(refusal) == (
            f"GET {flyte.api_url}/v1 could not be sent: no connection (connection refused); the pack keeps trying"
        )


@pytest.mark.parametrize("url", ["http://flyte.invalid:8080", "https://127.0.0.1:1", "http://127.0.0.1:1"])
async def test_an_unknown_or_closed_host_is_unreachable(url: str) -> None:
    refusal = await _refusal(url)
    assert isinstance(refusal, WorkflowUnreachable)
    assert "could not be sent" in str(refusal)


async def test_a_server_without_tls_is_unreachable_by_https() -> None:
    async with FlyteServer() as flyte:
        refusal = await _refusal(flyte.api_url.replace("http:", "https:"))
    assert isinstance(refusal, WorkflowUnreachable)


async def test_flyte_is_unreachable_before_open() -> None:
    with pytest.raises(WorkflowUnreachable, match="not open"):
        await FlyteWorkflow("http://127.0.0.1:1").register(DEFINITION)


async def test_the_pack_recovers_after_an_outage_of_flyte() -> None:
    async with FlyteServer() as flyte, registered(flyte) as workflow:
        await flyte.go_down()
        with pytest.raises((WorkflowInDoubt, WorkflowUnreachable)):
            await workflow.take()  # on the connection that has just died
        with pytest.raises(WorkflowUnreachable):
            await workflow.take()
        await flyte.come_up()
        assert await workflow.take() is None


async def test_a_failed_registration_keeps_the_earlier_one() -> None:
    async with FlyteServer() as flyte, registered(flyte) as workflow:
        flyte.faults.plan("api", faults.status(500))
        with pytest.raises(WorkflowServerError):
            await workflow.register(DEFINITION)
        assert await workflow.take() is None


async def test_a_failed_first_registration_leaves_the_pack_unregistered() -> None:
    async with FlyteServer() as flyte:
        flyte.faults.plan("register", faults.missing_links())
        workflow = FlyteWorkflow(flyte.api_url)
        async with workflow.open():
            with pytest.raises(WorkflowUnreachable):
                await workflow.register(DEFINITION)
            with pytest.raises(PackNotRegistered):
                await workflow.take()


async def test_the_jwt_authorizes_requests() -> None:
    async with FlyteServer(jwt="let-me-in") as flyte, registered(flyte, jwt="let-me-in") as workflow:
        assert await workflow.take() is None


@pytest.mark.parametrize("jwt", ["", "a-secret"])
async def test_a_missing_or_wrong_jwt_is_reported_without_its_value(jwt: str) -> None:
    async with FlyteServer(jwt="let-me-in") as flyte:
        refusal = await _refusal(flyte.api_url, jwt)
    assert isinstance(refusal, WorkflowUnauthorized)
    assert "a-secret" not in str(refusal)


async def test_an_html_page_with_401_is_unauthorized() -> None:
    async with scripted_server(lambda _: http_response(401, "<html>", content_type="text/html")) as server:
        assert isinstance(await _refusal(server.url), WorkflowUnauthorized)


async def test_user_and_password_of_the_base_url_are_sent_but_never_shown() -> None:
    async with scripted_server(lambda _: http_response(404)) as server:
        refusal = await _refusal(server.url.replace("http://", "http://me:p%40ss@"))
    assert server.requests[0].headers["authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"
    assert "me:" not in str(refusal)


async def test_the_jwt_takes_precedence_over_user_and_password() -> None:
    async with scripted_server(lambda _: http_response(404)) as server:
        await _refusal(server.url.replace("http://", "http://me:pass@"), jwt="jot")
    assert server.requests[0].headers["authorization"] == "Bearer jot"


@pytest.mark.parametrize(
    "name", ["Slack of ours", "Schlüssel", "50%", "A+B&C", "Slack;v=1", "a\\b", "[x]", "@:!$'()*~", "💬"]
)
async def test_a_pack_of_any_permitted_name_takes_completes_publishes_and_asks_the_audit(name: str) -> None:
    definition = replace(DEFINITION, name=name, labels={"key": name, name: "value"})
    async with FlyteServer() as flyte:
        workflow = FlyteWorkflow(flyte.api_url)
        async with workflow.open():
            await workflow.register(definition)
            flyte.queue_action(name, "Broadcast", {"message": "hello"})
            action = await workflow.take()
            assert action is not None
            assert (await workflow.open_actions(LONG_AGO)).taken == [action]
            await workflow.publish(received_message("1.1"), NOON)
            await workflow.complete(action.id, Fatal("x"), NOON)
            assert await workflow.completion_of(action.id) is Completion.RECEIVED


@pytest.mark.parametrize("name", ["a/b", "what?", "a#b", "a%2Fb"])
async def test_a_pack_whose_name_flyte_can_not_route_is_refused_after_its_registration(name: str) -> None:
    async with FlyteServer() as flyte:
        workflow = FlyteWorkflow(flyte.api_url)
        async with workflow.open():
            await workflow.register(replace(DEFINITION, name=name, labels={}))
            with pytest.raises(PathRefused):
                await workflow.publish(received_message("1.1"), NOON)
