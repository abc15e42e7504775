"""Links and redirects are followed within Flyte's origin only."""

import json
from collections.abc import Callable

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from domain.errors import (
    WorkflowError,
    WorkflowUnreachable,
)
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server


async def _refusal(flyte_url: str, jwt: str = "", timeout_seconds: float = 5.0) -> WorkflowError:
    workflow = FlyteWorkflow(flyte_url, jwt=jwt, timeout_seconds=timeout_seconds)
    async with workflow.open():
        with pytest.raises(WorkflowError) as refusal:
            await workflow.register(DEFINITION)
    return refusal.value


def _link_to(url: str) -> Callable[[Request], bytes]:
    return lambda _: http_response(200, json.dumps({"links": [{"rel": "pack/listPacks", "href": f"{url}/v1/packs"}]}))


async def test_a_link_to_another_origin_is_rejected_without_a_request() -> None:
    async with scripted_server(lambda _: http_response(201)) as other, scripted_server(_link_to(other.url)) as server:
        refusal = await _refusal(server.url, jwt="jot")
    assert isinstance(refusal, WorkflowUnreachable)
    assert other.requests == []
    assert all(word in str(refusal) for word in (server.url, other.url, "X-Forwarded-Host"))


@pytest.mark.parametrize("suffix", ["takeAction", "event"])
async def test_a_registration_with_a_link_to_another_origin_is_rejected(suffix: str) -> None:
    def respond(request: Request) -> bytes | None:
        answer = flyte_registration(request)
        if answer is None or request.target != "/v1/packs":
            return answer
        _, _, body = answer.partition(b"\r\n\r\n")
        links = json.loads(body)["links"]
        for link in links:
            if link["rel"].endswith(suffix):
                link["href"] = "http://user:pass@other.example:8080/v1/x"
        return http_response(201, json.dumps({"links": links}))

    async with scripted_server(respond) as server:
        refusal = await _refusal(server.url)
    assert isinstance(refusal, WorkflowUnreachable)
    assert "http://other.example:8080, which are rejected" in str(refusal)
    assert "pass" not in str(refusal).replace("let the proxy before Flyte pass", "")


@pytest.mark.parametrize("other", ["https://127.0.0.1:{port}", "http://localhost:{port}", "http://127.0.0.1:1"])
async def test_another_scheme_host_or_port_is_another_origin(other: str) -> None:
    async with scripted_server(
        lambda request: http_response(
            200,
            json.dumps(
                {
                    "links": [
                        {
                            "rel": "pack/listPacks",
                            "href": other.format(port=request.headers["host"].split(":")[1]) + "/v1/packs",
                        }
                    ]
                }
            ),
        )
    ) as server:
        refusal = await _refusal(server.url)
    assert "X-Forwarded-Host" in str(refusal)
    assert len(server.requests) == 1


async def test_links_behind_a_proxy_that_forwards_the_host_are_followed() -> None:
    async with FlyteServer() as flyte:
        flyte_port = flyte.api_url.rsplit(":", 1)[1]
        async with FlyteServer(public_url=flyte.api_url) as wrong:
            refusal = await _refusal(wrong.api_url)
            assert f"127.0.0.1:{flyte_port}" in str(refusal)
        assert not flyte.requests


async def test_a_redirected_get_is_followed_within_the_origin() -> None:
    def respond(request: Request) -> bytes:
        if request.target == "/v1":
            return http_response(301, Location="/v1/")
        if request.target == "/v1/":
            return http_response(302, Location="links")
        return flyte_registration(request) or http_response(
            200, '{"links": [{"rel": "pack/listPacks", "href": "/v1/packs"}]}'
        )

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url, jwt="jot")
        async with workflow.open():
            await workflow.register(DEFINITION)
    assert [request.target for request in server.requests] == ["/v1", "/v1/", "/v1/links", "/v1/packs"]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer jot"}


async def test_a_redirected_get_is_not_followed_to_another_origin() -> None:
    async with (
        scripted_server(lambda _: http_response(200, "{}")) as other,
        scripted_server(lambda _: http_response(307, Location=f"{other.url}/v1")) as server,
    ):
        refusal = await _refusal(server.url, jwt="jot")
    assert isinstance(refusal, WorkflowUnreachable)
    assert f"redirected (307) to {other.url}/v1: redirects are followed within Flyte's origin only" in str(refusal)
    assert other.requests == []


async def test_circular_redirects_end() -> None:
    async with scripted_server(lambda request: http_response(302, Location=request.target)) as server:
        refusal = await _refusal(server.url)
    assert "redirects endlessly" in str(refusal)
    assert len(server.requests) < 10
