"""How often a pack waits for the answer of its database: each time takes the time of a packet there and back."""

from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from statistics import median

import pytest

from adapters.postgresql.storage import PostgresStorage
from domain.commands import ChatCommand, Command, SendMessage
from domain.events import Event, ReceivedEvent, ReceivedMessage
from domain.interactions import BlockAction
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage
from tests.support.database_proxy import DatabaseProxy, database_proxy
from tests.support.environment import World

SAMPLES = 9
MODAL: JsonObject = {"type": "modal", "title": {"type": "plain_text", "text": "Deploy"}, "blocks": []}


def answers(event: Event) -> list[Command]:
    """Flows that echo messages, and that open a modal for each click."""
    match event:
        case ReceivedMessage(message):
            return [SendMessage(OutgoingMessage(message.channel_id, message.text))]
        case ReceivedEvent(BlockAction() as click):
            return [ChatCommand("OpenModal", {"triggerId": click.trigger_id, "view": MODAL})]
    return []


@pytest.fixture
async def proxy(tables_url: str) -> AsyncIterator[DatabaseProxy]:
    async with database_proxy(tables_url) as proxy:
        yield proxy


@pytest.fixture
async def world(proxy: DatabaseProxy) -> AsyncIterator[World]:
    """With a pack that uses the database, which has joined C1."""
    world = World(answers)
    world.storage = PostgresStorage(proxy.url, world.pack_clock, lease_seconds=20)
    async with world.storage.open():
        await world.join(world.c1)
    async with world.pack():
        yield world


async def round_trips(proxy: DatabaseProxy, world: World, act: Callable[[], object]) -> float:
    """Returns the median from the end of one action to that of the next, without what the pack does now and then."""
    counts = []
    for _ in range(SAMPLES + 1):
        act()
        await world.faults.until_called("journal.mark_reported")
        counts.append(proxy.round_trips)
    return median(after - before for before, after in pairwise(counts))


async def test_an_echo_takes_thirty_three_round_trips(proxy: DatabaseProxy, world: World) -> None:
    assert await round_trips(proxy, world, lambda: world.chat.say("C1", "hello")) <= 33
    assert len(world.texts) >= SAMPLES


async def test_a_click_that_opens_a_modal_takes_thirty_five_round_trips(proxy: DatabaseProxy, world: World) -> None:
    assert await round_trips(proxy, world, lambda: world.chat.click("C1", "go")) <= 35
    assert len(world.chat.views) >= SAMPLES
