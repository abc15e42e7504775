"""A workbench on the simulation as `flyte-slack simulate` plays it, and somebody who asks it for things."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import pytest

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox
from entrypoints.simulation.web.access_guard import SOCKET_PROTOCOL, TOKEN_HEADER

_PATIENCE_SECONDS = 10.0


class Visitor:
    """A page, as far as the server can tell."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session = session
        self.url = url
        self.origin = url.rstrip("/")
        self.token = token

    @classmethod
    async def at(cls, session: aiohttp.ClientSession, url: str) -> Self:
        """Somebody who has opened the page."""
        async with session.get(url) as response:
            found = re.search(r'name="token" content="([^"]+)"', await response.text())
        assert found
        return cls(session, url, found[1])

    async def do(self, deed: str, **particulars: object) -> dict[str, Any]:
        """The answer to a deed."""
        headers = {TOKEN_HEADER: self.token, "Origin": self.origin}
        async with self.session.post(f"{self.url}do/{deed}", json=particulars, headers=headers) as response:
            assert response.status == 200
            return dict(await response.json())

    @asynccontextmanager
    async def socket(self, after: int = 0) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The socket by which a page follows."""
        protocols = (SOCKET_PROTOCOL, self.token)
        async with self.session.ws_connect(
            f"{self.url}live?after={after}", protocols=protocols, origin=self.origin
        ) as socket:
            yield socket

    async def until(self, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The cards, as soon as this is so of them."""
        async with self.socket() as socket:
            cards: dict[str, Any] = {}
            while True:
                message = await socket.receive(_PATIENCE_SECONDS)
                cards |= json.loads(message.data)["cards"]
                if is_so(cards):
                    return cards

    async def way_when(self, key: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The way of a message, as soon as this is so of it."""
        cards = await self.until(lambda cards: (way := cards.get(f"way/{key}")) and is_so(way))
        return dict(cards[f"way/{key}"])

    async def say(self, text: str, *, room: str = "general", person: str = "alice", thread: str = "") -> str:
        """Say something; returns the message's key."""
        answer = await self.do("say", person=person, room=room, text=text, thread=thread)
        rooms = {card["name"]: card["id"] for card in (await self.until(lambda cards: "rooms" in cards))["rooms"]}
        return f"{rooms[room]}/{answer['ts']}"


@pytest.fixture
async def stage() -> AsyncIterator[Sandbox]:
    flows = [flow_from_file(path) for path in sorted(BUILT_IN.iterdir())]
    async with loopback_sandbox(SandboxConfig(flows=flows, page_port=0)) as playing:
        yield playing


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield client


@pytest.fixture
async def page(stage: Sandbox, session: aiohttp.ClientSession) -> Visitor:
    return await Visitor.at(session, stage.page_url)
