"""A sandbox like that of `flyte-slack simulate`, and a client that uses its page's server as the page does."""

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

_TIMEOUT_SECONDS = 10.0


class PageClient:
    """Sends the requests that the page in a browser would send."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session = session
        self.url = url
        self.origin = url.rstrip("/")
        self.token = token

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str) -> Self:
        """Load the page and take the token from it."""
        async with session.get(url) as response:
            found = re.search(r'name="token" content="([^"]+)"', await response.text())
        assert found
        return cls(session, url, found[1])

    async def act(self, action: str, **arguments: object) -> dict[str, Any]:
        """Execute an action and return the result."""
        headers = {TOKEN_HEADER: self.token, "Origin": self.origin}
        async with self.session.post(f"{self.url}actions/{action}", json=arguments, headers=headers) as response:
            assert response.status == 200
            return dict(await response.json())

    @asynccontextmanager
    async def socket(self, after: int = 0) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the socket of the state feed."""
        protocols = (SOCKET_PROTOCOL, self.token)
        async with self.session.ws_connect(
            f"{self.url}feed?after={after}", protocols=protocols, origin=self.origin
        ) as socket:
            yield socket

    async def wait_for(self, predicate: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Return the state as soon as the predicate is true of it."""
        async with self.socket() as socket:
            state: dict[str, Any] = {}
            while True:
                message = await socket.receive(_TIMEOUT_SECONDS)
                state |= json.loads(message.data)["values"]
                if predicate(state):
                    return state

    async def wait_for_key(self, key: str) -> Any:
        """Return the value of a key as soon as there is one."""
        return (await self.wait_for(lambda state: key in state))[key]

    async def wait_for_trace(self, key: str, predicate: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Return a message's trace as soon as the predicate is true of it."""
        state = await self.wait_for(lambda state: (trace := state.get(f"trace/{key}")) and predicate(trace))
        return dict(state[f"trace/{key}"])

    async def say(self, text: str, *, channel: str = "general", person: str = "alice", thread: str = "") -> str:
        """Post a message; returns its key."""
        result = await self.act("say", person=person, channel=channel, text=text, thread=thread)
        ids = {conversation["name"]: conversation["id"] for conversation in await self.wait_for_key("conversations")}
        return f"{ids[channel]}/{result['ts']}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    flows = [flow_from_file(path) for path in sorted(BUILT_IN.iterdir())]
    async with loopback_sandbox(SandboxConfig(flows=flows, page_port=0)) as sandbox:
        yield sandbox


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield client


@pytest.fixture
async def page(sandbox: Sandbox, session: aiohttp.ClientSession) -> PageClient:
    return await PageClient.open(session, sandbox.page_url)
