"""The daemon on a PostgreSQL server that is away, or comes and goes."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import DaemonProcess, daemon, daemon_environ
from tests.support.postgres_server import ServerProcess

SOON = 3.0
"""Seconds: a heartbeat a second, on a busy machine."""


@pytest.fixture
def variables(slack: SlackServer, flyte: FlyteServer, server_process: ServerProcess, tmp_path: Path) -> dict[str, str]:
    more = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": slack.add_channel("ops")}
    return daemon_environ(slack, flyte, tmp_path, FLYTE_SLACK_STORAGE=server_process.url, **more)


async def status(pack: DaemonProcess, path: str) -> int:
    """Returns the status with which the pack answers a request."""
    async with aiohttp.ClientSession() as session, session.get(f"{await pack.url()}{path}") as response:
        return response.status


async def answers(pack: DaemonProcess, path: str, expected: int) -> None:
    """Waits until the pack answers a request with this status."""
    async with asyncio.timeout(SOON):
        while True:
            if await status(pack, path) == expected:
                return
            await asyncio.sleep(0.05)


async def test_a_server_that_is_away_at_the_start_is_waited_for(
    variables: dict[str, str], slack: SlackServer, flyte: FlyteServer, server_process: ServerProcess
) -> None:
    server_process.stop()
    async with daemon(variables) as pack:
        line = await pack.wait_for_event("storage_unavailable")
        assert "can't connect" in line["reason"]
        assert await status(pack, "/ready") == 503

        server_process.start()

        await pack.wait_for_event("default_channel_joined")
        slack.say(slack.add_user("alice"), variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"], "echo hello world")
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        await flyte.wait_for(lambda: len(flyte.results) == 1, 10)
        assert await status(pack, "/ready") == 200
        assert await pack.stop() == 0


async def test_a_pack_that_waits_for_its_server_can_be_stopped(
    variables: dict[str, str], server_process: ServerProcess
) -> None:
    server_process.stop()
    async with daemon(variables) as pack:
        await pack.wait_for_event("storage_unavailable")
        assert await pack.stop() == 0


async def test_health_turns_red_and_green_with_the_server_and_nothing_is_lost(
    variables: dict[str, str], slack: SlackServer, server_process: ServerProcess
) -> None:
    alice, channel = slack.add_user("alice"), variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"]
    async with daemon(variables) as pack:
        await pack.wait_for_event("default_channel_joined")
        await answers(pack, "/ready", 200)
        server_process.kill()
        await answers(pack, "/ready", 503)
        assert await status(pack, "/") == 500
        slack.say(alice, channel, "echo hello world")

        server_process.start()

        await answers(pack, "/ready", 200)
        await slack.wait_for(lambda: len(slack.posts) == 1, 20)
        assert await pack.stop() == 0


@pytest.mark.parametrize("frozen_seconds", [0.5, 4.0])
async def test_a_pack_whose_server_is_frozen_ends_within_ten_seconds(
    frozen_seconds: float, variables: dict[str, str], slack: SlackServer, server_process: ServerProcess
) -> None:
    alice, channel = slack.add_user("alice"), variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"]
    async with daemon(variables) as pack:
        await pack.wait_for_event("default_channel_joined")
        for number in range(5):
            slack.say(alice, channel, f"echo {number}")
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        server_process.freeze()
        slack.say(alice, channel, "echo hello world")
        await asyncio.sleep(frozen_seconds)
        async with asyncio.timeout(10):
            assert await pack.stop() == 0
    assert pack.other_lines == []
