"""Flows can be posted to the simulated Flyte, listed and deleted; its datastore can be read."""

import json
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from tests.simulation.flyte_pack import FlytePack, server_and_pack

ECHO = BUILT_IN / "echo.yaml"
YAML = {"Content-Type": "application/x-yaml"}


async def test_a_flow_is_posted_as_json_and_runs() -> None:
    source = json.dumps(flow_from_file(ECHO).source)
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(f"{flyte.api_url}/v1/flows", data=source) as response:
            assert response.status == 201
            assert response.headers["Location"] == f"{flyte.api_url}/v1/flows/echo"
        await pack.send_event("ReceivedMessage", {"message": "echo hi", "channelId": "C1", "user": {"id": "U1"}})

        assert await pack.take() is not None


async def test_a_flow_is_posted_as_yaml() -> None:
    async with server_and_pack() as (flyte, pack):
        data = Path(ECHO).read_bytes()
        async with pack.session.post(f"{flyte.api_url}/v1/flows", data=data, headers=YAML) as response:
            assert response.status == 201

        assert list(flyte.flows) == ["echo"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": "x"}', b'{"name": "x", "steps": [{"event": {}}]}'])
async def test_an_invalid_flow_is_500(body: bytes) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(f"{flyte.api_url}/v1/flows", data=body) as response:
            assert response.status == 500

        assert not flyte.flows


async def test_null_among_the_steps_that_a_step_depends_on_stands_for_steps_without_id() -> None:
    def step(event_pack: str, event: str, **more: object) -> dict[str, object]:
        return {"event": {"packName": event_pack, "name": event}, "command": {"packName": "P", "name": "Do"}, **more}

    flow = {"name": "f", "steps": [step("Slack", "X"), step("P", "Done", id="b", dependsOn=[None])]}
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(f"{flyte.api_url}/v1/flows", json=flow) as response:
            assert response.status == 201
        await pack.send_event("X")
        other = await FlytePack.register(pack.session, flyte.api_url, "P")
        taken = await other.take()
        assert taken is not None
        await other.complete(taken, "Done")

        assert await other.take() is not None


async def test_invalid_yaml_is_400() -> None:
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.post(f"{flyte.api_url}/v1/flows", data=b"a: [", headers=YAML) as response,
    ):
        assert response.status == 400


async def test_flows_can_be_listed_read_and_deleted() -> None:
    async with server_and_pack(flows=[flow_from_file(ECHO)]) as (flyte, pack):
        async with pack.session.get(f"{flyte.api_url}/v1/flows") as response:
            (listed,) = (await response.json())["flows"]
        assert listed["name"] == "echo"
        url = listed["links"][0]["href"]
        async with pack.session.get(url) as response:
            assert (await response.json())["steps"][0]["id"] == "get_message"
        async with pack.session.delete(url) as response:
            assert response.status == 204
        for method in ("GET", "DELETE"):
            async with pack.session.request(method, url) as response:
                assert response.status == 404


async def test_the_datastore_can_be_read() -> None:
    environment = TemplateEnvironment(datastore={"teams": {"api": "Al"}})
    async with server_and_pack(environment=environment) as (flyte, pack):
        async with pack.session.get(f"{flyte.api_url}/v1/datastore/teams") as response:
            assert await response.json() == {"api": "Al"}
        async with pack.session.get(f"{flyte.api_url}/v1/datastore/nope") as response:
            assert response.status == 404
