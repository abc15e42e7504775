"""The simulated Flyte runs flows as the server's own code ran them."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, ServerDisconnectedError

from entrypoints.simulation.flyte.links import Links
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.server import FlyteServer
from tests.simulation.conformance_cases import CASES, differences_in_documentation

RECORDED = json.loads((CASES / "flow_engine.json").read_text(encoding="utf-8"))


class Player:
    """Sends the requests of a case, and describes what follows from each as the recording does."""

    def __init__(self, flyte: FlyteServer, session: ClientSession) -> None:
        self._flyte = flyte
        self._session = session
        self._made: list[Action] = []

    async def play(self, op: dict[str, Any]) -> dict[str, object]:
        known = len(self._made)
        took = None
        try:
            async with await self._send(op) as response:
                status = str(response.status)
                if op["op"] == "take" and response.status == 200:
                    took = {key: value for key, value in (await response.json()).items() if key != "links"}
        except ServerDisconnectedError:
            status = "crash"
        while self._flyte.is_busy:  # noqa: ASYNC110 (flows run in the next iteration of the loop)
            await asyncio.sleep(0)
        self._made = list(self._flyte.actions.values())
        return {"status": status, "took": took, "made": [describe(action) for action in self._made[known:]]}

    async def _send(self, op: dict[str, Any]) -> ClientResponse:
        api = f"{self._flyte.api_url}/v1"
        if op["op"] == "flow":
            return await self._session.post(f"{api}/flows", json=op["flow"])
        pack = Pack.create(op["pack"], op["labels"])
        await self._session.post(f"{api}/packs", json={"name": pack.name, "labels": pack.labels})
        url = f"{self._flyte.api_url}{Links.pack_path(pack.id)}"
        if op["op"] == "take":
            return await self._session.post(f"{url}/actions/take", params={"actionName": op["command"]})
        if op["op"] == "result":
            return await self._session.post(f"{url}/actions/{self._made[op['action']].id}/result", json=op["event"])
        return await self._session.post(f"{url}/events", json=op["event"])


def describe(action: Action) -> dict[str, object]:
    return {
        "command": action.name,
        "context": dict(action.context),
        "flow": action.run.flow_name,
        "input": action.input,
        "labels": dict(action.pack_labels),
        "pack": action.pack_name,
        "step": action.step_id,
    }


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["name"])
async def test_flows_run_as_on_the_server(case: dict[str, Any]) -> None:
    async with FlyteServer() as flyte, ClientSession() as session:
        player = Player(flyte, session)

        assert [await player.play(op) for op in case["ops"]] == case["expected"]


def test_the_documentation_counts_the_differences() -> None:
    assert differences_in_documentation()["flow engine"] == (len(RECORDED), 0)
