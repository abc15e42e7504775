"""A minimal Flyte pack for tests, which follows links as any pack does."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from entrypoints.simulation.flyte.server import FlyteServer


@dataclass(frozen=True, slots=True)
class TakenAction:
    """A taken action and its result link."""

    command: str
    input: Any
    result_url: str


class FlytePack:
    """A registered pack."""

    def __init__(self, session: aiohttp.ClientSession, take_url: str, event_url: str) -> None:
        self.session = session
        self.take_url = take_url
        self.event_url = event_url

    @classmethod
    async def register(
        cls, session: aiohttp.ClientSession, api_url: str, name: str = "Slack", labels: Mapping[str, str] | None = None
    ) -> Self:
        async with session.get(f"{api_url}/v1") as response:
            packs_url = find_link((await response.json())["links"], "pack/listPacks")
        async with session.post(packs_url, json={"name": name, "labels": labels or {}}) as response:
            assert response.status == 201
            links = json.loads(await response.text())["links"]
        return cls(session, find_link(links, "takeAction"), find_link(links, "/event"))

    async def send_event(self, event: str, payload: object = None, **more: object) -> int:
        async with self.session.post(self.event_url, json={"event": event, "payload": payload, **more}) as response:
            return response.status

    async def take(self) -> TakenAction | None:
        async with self.session.post(self.take_url) as response:
            if response.status == 204:
                return None
            assert response.status == 200
            body = await response.json()
        return TakenAction(body["command"], body["input"], body["links"][0]["href"])

    async def complete(self, taken: TakenAction, event: str, payload: object = None) -> int:
        body = {"event": event, "payload": payload, "createdAt": "2024-03-01T09:05:07.250Z"}
        async with self.session.post(taken.result_url, json=body) as response:
            return response.status


def find_link(links: list[dict[str, str]], suffix: str) -> str:
    return next(one["href"] for one in links if one["rel"].endswith(suffix))


@asynccontextmanager
async def server_and_pack(
    labels: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[tuple[FlyteServer, FlytePack]]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with FlyteServer(**options) as flyte, aiohttp.ClientSession(timeout=timeout) as session:
        yield flyte, await FlytePack.register(session, flyte.api_url, labels=labels)
