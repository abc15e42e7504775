"""The pack between two simulated servers over real sockets, within the test's process, and its metrics."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from entrypoints.config.settings import load_settings
from entrypoints.container.daemon import Daemon, lifetimes
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon_environ
from tests.support.metrics import Shown


class RunningPack:
    """The pack between both servers, within this process."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, channel: str, url: str) -> None:
        self.slack = slack
        self.flyte = flyte
        self.channel = channel
        self.url = url

    async def scrape(self) -> Shown:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as response:
            assert response.status == 200
            return Shown(await response.text())

    async def echo(self, count: int) -> None:
        """Lets a person write so many messages, and returns when all echoes are in Slack and answered."""
        for number in range(count):
            self.slack.say("alice", self.channel, f"echo {number}")
        await self.slack.wait_for(lambda: len(self.slack.posts) == count)
        await self.flyte.wait_for(lambda: len(self.flyte.results) == count)
        async with asyncio.timeout(5):
            while (await self.scrape()).sum("journal_entries"):  # until the pack has the last answer of Flyte
                pass


@asynccontextmanager
async def running_pack(directory: Path, **variables: str) -> AsyncIterator[RunningPack]:
    flows = [flow_from_file(BUILT_IN / "echo.yaml")]
    async with SlackServer() as slack, FlyteServer(flows=flows) as flyte, AsyncExitStack() as stack:
        slack.add_user("alice")
        channel = slack.add_channel("ops", members=("alice", slack.bot_user_id))
        variables = {
            "FLYTE_SLACK_APP_TOKEN": slack.app_token,
            "FLYTE_SLACK_MESSAGES_PER_SECOND": "1000",
            **variables,
        }
        (directory / "state").mkdir(mode=0o700)
        (directory / "state" / "channels.json").write_text(json.dumps([channel]))
        pack = Daemon(settings=load_settings(daemon_environ(slack, flyte, directory, **variables)))
        for lifetime in lifetimes(pack):
            await stack.enter_async_context(lifetime)
        running = asyncio.create_task(pack.application.supervisor().run(), name="pack")
        await slack.wait_for(lambda: bool(slack.connections))
        await flyte.wait_for(lambda: bool(flyte.packs))
        yield RunningPack(slack, flyte, channel, pack.http_server().url)
        pack.application.shutdown().request()
        await running
