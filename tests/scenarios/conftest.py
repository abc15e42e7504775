from collections.abc import AsyncIterator

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    """A Flyte with the flow `echo`."""
    async with FlyteServer(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as server:
        yield server


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server
