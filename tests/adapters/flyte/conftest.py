from collections.abc import AsyncIterator

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from entrypoints.simulation.flyte.server import FlyteServer
from tests.support.flyte import registered


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer() as flyte:
        yield flyte


@pytest.fixture
async def workflow(flyte: FlyteServer) -> AsyncIterator[FlyteWorkflow]:
    """A pack that is registered, and gives up a request after a second."""
    async with registered(flyte, timeout_seconds=1.0) as workflow:
        yield workflow
