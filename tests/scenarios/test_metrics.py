"""`GET /metrics` of the whole pack between two simulated servers over real sockets."""

import asyncio
import json
import subprocess
import sys
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


async def test_the_metrics_count_what_both_servers_have_seen(tmp_path: Path) -> None:
    async with running_pack(tmp_path) as pack:
        await pack.echo(20)
        metrics = await pack.scrape()

    assert metrics.sum("arrivals_total", kind="message", result="stored") == 20
    assert metrics.value("event_delivery_seconds_count", event="ReceivedMessage") == len(pack.flyte.events)
    assert metrics.value("actions_total", command="SendMessage", outcome="succeeded") == len(pack.flyte.results)
    assert metrics.value("slack_requests_total", method="chat.postMessage", code="ok") == len(pack.slack.posts)
    assert metrics.value("flyte_requests_total", call="publish", status="202") == 20
    assert metrics.value("flyte_requests_total", call="complete", status="202") == 20
    assert metrics.value("receiver_connected") == 1
    assert metrics.above_zero("windows_total") == {}
    assert metrics.value("storage_commit_seconds_count") > 20
    assert metrics.value("storage_errors_total") == 0


async def test_no_label_holds_a_channel_a_user_or_a_text(tmp_path: Path) -> None:
    async with running_pack(tmp_path) as pack:
        await pack.echo(1)
        metrics = await pack.scrape()

    private = [pack.channel, pack.slack.bot_user_id, pack.slack.bot_token, "alice", "ops", "echo"]
    assert [text for text in private if text in metrics.text] == []


async def test_without_metrics_their_path_is_unknown(tmp_path: Path) -> None:
    async with (
        running_pack(tmp_path, FLYTE_SLACK_METRICS="false") as pack,
        aiohttp.ClientSession() as session,
        session.get(f"{pack.url}/metrics") as response,
    ):
        assert response.status == 404


def test_the_library_is_not_loaded_until_metrics_are_wanted() -> None:
    loaded = "import sys, entrypoints.container.daemon, entrypoints.daemon; print('prometheus_client' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert process.stdout == "False\n"
