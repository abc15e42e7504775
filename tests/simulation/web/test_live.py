"""The socket by which a page follows."""

import asyncio
from contextlib import AsyncExitStack

from aiohttp import ClientSession, WSCloseCode

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.open import open_page
from tests.simulation.web.conftest import Visitor


async def test_a_page_that_was_away_is_told_what_it_missed_and_no_more(page: Visitor) -> None:
    await page.say("before")
    async with page.socket() as socket:
        first = await socket.receive_json(timeout=10)
    assert first["is_whole"]
    key = await page.say("meanwhile")

    async with page.socket(after=first["number"]) as socket:
        second = await socket.receive_json(timeout=10)

    assert not second["is_whole"]
    assert f"message/{key}" in second["cards"]
    assert "people" not in second["cards"]
    assert second["number"] > first["number"]


async def test_a_page_of_an_earlier_simulation_is_told_everything(page: Visitor) -> None:
    async with page.socket(after=10**9) as socket:
        assert (await socket.receive_json(timeout=10))["is_whole"]


async def test_many_pages_see_the_same(page: Visitor) -> None:
    async def text_of(key: str) -> str:
        cards = await page.until(lambda cards: f"message/{key}" in cards)
        return str(cards[f"message/{key}"]["text"])

    key = await page.say("for all")

    assert await asyncio.gather(*(text_of(key) for _ in range(5))) == ["for all"] * 5


async def test_a_page_that_talks_is_not_listened_to(page: Visitor) -> None:
    async with page.socket() as socket:
        await socket.receive_json(timeout=10)
        await socket.send_str('{"deed": "say"}')
        key = await page.say("hello")

        while f"message/{key}" not in (await socket.receive_json(timeout=10))["cards"]:
            pass


async def test_sockets_are_told_to_go_when_the_simulation_ends(session: ClientSession) -> None:
    async with SlackServer() as slack, FlyteServer() as flyte, AsyncExitStack() as simulation:
        url = await simulation.enter_async_context(open_page(slack, flyte, 0, container=None))
        page = await Visitor.at(session, url)
        async with page.socket() as socket:
            await socket.receive_json(timeout=10)
            await simulation.aclose()

            assert (await socket.receive(timeout=10)).data == WSCloseCode.GOING_AWAY
