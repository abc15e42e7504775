import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
from structlog.typing import EventDict

from adapters.memory.clock import VirtualTimeLoop
from tests.support.environment import World
from tests.support.logs import captured_lines


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """All unit tests run in virtual time."""
    return {"virtual time": VirtualTimeLoop}


@pytest.fixture
async def world() -> World:
    """The surroundings of a pack that has not started yet, with C1 and C2 joined."""
    world = World()
    await world.join(world.c1, world.c2)
    return world


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    """The lines that are logged during the test."""
    with captured_lines() as lines:
        yield lines
