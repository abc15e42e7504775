"""The socket over which pages follow the state feed."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession, WSCloseCode

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.open import open_page
from tests.simulation.web.conftest import PageClient


async def test_a_page_that_reconnects_gets_only_what_it_missed(page: PageClient) -> None:
    await page.say("before")
    async with page.socket() as socket:
        first = await socket.receive_json(timeout=10)
    assert first["is_snapshot"]
    key = await page.say("meanwhile")

    async with page.socket(after=first["version"]) as socket:
        second = await socket.receive_json(timeout=10)

    assert not second["is_snapshot"]
    assert f"message/{key}" in second["values"]
    assert "people" not in second["values"]
    assert second["version"] > first["version"]


async def test_a_page_of_an_earlier_simulation_gets_a_snapshot(page: PageClient) -> None:
    async with page.socket(after=10**9) as socket:
        assert (await socket.receive_json(timeout=10))["is_snapshot"]


async def test_several_pages_get_the_same_state(page: PageClient) -> None:
    async def text_of(key: str) -> str:
        return str((await page.wait_for_key(f"message/{key}"))["text"])

    key = await page.say("for all")

    assert await asyncio.gather(*(text_of(key) for _ in range(5))) == ["for all"] * 5


async def test_messages_from_a_page_are_ignored(page: PageClient) -> None:
    async with page.socket() as socket:
        await socket.receive_json(timeout=10)
        await socket.send_str('{"action": "say"}')
        key = await page.say("hello")

        values: dict[str, Any] = {}
        while f"message/{key}" not in values:
            values |= (await socket.receive_json(timeout=10))["values"]

    said = [name for name, value in values.items() if name.startswith("message/") and not value["is_notice"]]
    assert said == [f"message/{key}"]


async def test_sockets_are_closed_when_the_simulation_ends(session: ClientSession) -> None:
    async with SlackServer() as slack, FlyteServer() as flyte, AsyncExitStack() as simulation:
        url = await simulation.enter_async_context(open_page(slack, flyte, 0, adapters=None))
        page = await PageClient.open(session, url)
        async with page.socket() as socket:
            await socket.receive_json(timeout=10)
            await simulation.aclose()

            assert (await socket.receive(timeout=10)).data == WSCloseCode.GOING_AWAY
