from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from application.health import HealthRegistry
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH
from tests.support.http_port import SlackRequests, running_server


@pytest.fixture
def health() -> HealthRegistry:
    return HealthRegistry(HEALTH_CHECKS)


@pytest.fixture
async def url(health: HealthRegistry) -> AsyncIterator[str]:
    async with running_server(health) as server:
        yield server.url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def slack_url() -> AsyncIterator[str]:
    """The URL of a handler that echoes Slack's requests."""
    async with running_server(slack_handler=SlackRequests()) as server:
        yield server.url + SLACK_PATH
