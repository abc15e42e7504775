"""The simulated Flyte's router, links behind a proxy, security, and raw bodies."""

import io
import json

import aiohttp
import pytest

from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.server import FlyteServer
from tests.simulation.flyte_pack import find_link, server_and_pack


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/", 404, "Not Found"),
        ("POST", "/v1/packs/", 404, "Not Found"),
        ("POST", "/v1/packs/Slack/events/", 404, "Not Found"),
        ("GET", "/v1/packs/Slack/events", 405, "Method Not Allowed"),
        ("GET", "/v1/packs/Slack/actions/take", 405, "Method Not Allowed"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/v1/packs/Unknown", 404, ""),
        ("DELETE", "/v1/packs/Unknown", 404, ""),
    ],
)
async def test_the_router_and_an_unknown_pack_respond_differently(
    method: str, path: str, status: int, text: str
) -> None:
    async with server_and_pack() as (flyte, pack), pack.session.request(method, f"{flyte.api_url}{path}") as response:
        assert (response.status, await response.text()) == (status, text)


async def test_forwarded_headers_determine_the_links() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "flyte.example.com"}
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.get(f"{flyte.api_url}/v1", headers=headers) as response,
    ):
        assert find_link((await response.json())["links"], "pack/listPacks") == "https://flyte.example.com/v1/packs"


async def test_a_public_url_replaces_the_host_in_links() -> None:
    async with (
        FlyteServer(public_url="http://flyte.internal:8080") as flyte,
        aiohttp.ClientSession() as session,
        session.get(f"{flyte.api_url}/v1") as response,
    ):
        assert find_link((await response.json())["links"], "pack/listPacks") == "http://flyte.internal:8080/v1/packs"


async def test_health_is_200() -> None:
    async with server_and_pack() as (flyte, pack), pack.session.get(f"{flyte.api_url}/health") as response:
        assert response.status == 200


async def test_a_failing_health_check_can_be_planned() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("health", status(500))
        async with pack.session.get(f"{flyte.api_url}/health") as response:
            assert response.status == 500


async def test_packs_can_be_listed_read_and_deleted() -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.get(f"{flyte.api_url}/v1/packs") as response:
            body = await response.json()
        (listed,) = body["packs"]
        assert (listed["id"], listed["status"]) == ("Slack", "live")
        async with pack.session.get(listed["links"][0]["href"]) as response:
            assert find_link((await response.json())["links"], "takeAction") == pack.take_url
        async with pack.session.delete(listed["links"][0]["href"]) as response:
            assert response.status == 204

        assert not flyte.packs


@pytest.mark.parametrize(("token", "expected"), [(None, 401), ("wrong", 401), ("secret", 200)])
async def test_security_requires_a_bearer_token(token: str | None, expected: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        FlyteServer(jwt="secret") as flyte,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{flyte.api_url}/v1") as response,
    ):
        assert response.status == expected
        assert ("WWW-Authenticate" in response.headers) is (expected == 401)


async def test_security_applies_to_unknown_paths() -> None:
    async with (
        FlyteServer(jwt="secret") as flyte,
        aiohttp.ClientSession() as session,
        session.get(f"{flyte.api_url}/nowhere") as response,
    ):
        assert response.status == 401


async def test_security_can_forbid_a_route() -> None:
    async with (
        FlyteServer(jwt="secret", forbidden_routes=["audit"]) as flyte,
        aiohttp.ClientSession(headers={"Authorization": "Bearer secret"}) as session,
        session.get(f"{flyte.api_url}/v1/audit/flows") as response,
    ):
        assert response.status == 401


async def test_raw_bodies_are_sent_unchanged_except_for_the_result_link() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_raw(
            "Slack", b'{"command": 5, "links": [{"rel": "x#/actionResult", "href": "{result}"}], '
        )
        async with pack.session.post(pack.take_url) as response:
            body = await response.read()

    url = f"{flyte.api_url}/v1/packs/Slack/actions/{action_id}/result"
    assert body == f'{{"command": 5, "links": [{{"rel": "x#/actionResult", "href": "{url}"}}], '.encode()


async def test_large_bodies_are_accepted() -> None:
    async with server_and_pack() as (flyte, pack):
        body = io.BytesIO(json.dumps({"event": "X", "payload": "x" * 2_000_000}).encode())
        async with pack.session.post(pack.event_url, data=body) as response:
            assert response.status == 202
        assert len(flyte.events) == 1
