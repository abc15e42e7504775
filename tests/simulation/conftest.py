"""Fixtures: a simulated Slack for each test, and clients of it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.app_world import Responder
from tests.simulation.slack_app import SlackApp, web_client


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        server.add_user("alice", email="alice@example.com", display_name="Alice", first_name="Alice", last_name="Adams")
        server.add_channel("ops", members=["alice"])
        server.add_channel("secret", private=True, members=["alice"])
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        yield client


@pytest.fixture
def web(slack: SlackServer, session: aiohttp.ClientSession) -> AsyncWebClient:
    return web_client(slack, session)


@pytest.fixture
def app(slack: SlackServer, session: aiohttp.ClientSession) -> SlackApp:
    return SlackApp(slack, session)


@pytest.fixture
async def responder(slack: SlackServer, app: SlackApp) -> AsyncIterator[Responder]:
    slack.add_user("bob")
    slack.invite("ops", slack.bot_user_id)
    slack.invite("ops", "bob")
    responder = Responder()
    async with await app.open_socket() as socket, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(responder.run(app, socket))
        yield responder
        running.cancel()
