import pytest

from tests.support.environment import World


@pytest.fixture
async def world() -> World:
    """The world before the pack's start, with C1 and C2 joined."""
    world = World()
    await world.join(world.c1, world.c2)
    return world
