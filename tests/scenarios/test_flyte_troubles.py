"""The daemon at a Flyte that refuses its requests, hands out a huge action, or misleads by its audit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from entrypoints.simulation.faults import CannedResponse, Fault
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.bench.environment import peak_resident_bytes, resident_bytes
from tests.support.daemon_process import DaemonProcess, daemon, daemon_environ

LINKS = b'"links": [{"rel": "x#/actionResult", "href": "{result}"}]'
ROUTER = CannedResponse("router", 404, b"Not Found", "text/plain")


@asynccontextmanager
async def running(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> AsyncIterator[DaemonProcess]:
    variables = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_LISTEN": "member", **more}
    async with daemon(daemon_environ(slack, flyte, directory, **variables)) as pack:
        await pack.wait_for_event("hearing")
        await pack.wait_for_event("registered")
        yield pack


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json(content_type=None)


async def until_health(pack: DaemonProcess, is_reached: Callable[[Any], bool]) -> Any:
    url = await pack.url()
    async with asyncio.timeout(15):
        while True:
            _, checks = await get(url)
            if is_reached(checks["flyte"]):
                return checks["flyte"]
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("route", ["event", "take"])
@pytest.mark.parametrize("fault", [ROUTER, faults.status(404), faults.status(405), faults.status(401)])
async def test_health_is_red_while_flyte_refuses_events_or_takes_and_nothing_is_lost(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, route: str, fault: Fault
) -> None:
    alice = slack.add_user("alice")
    channel = slack.add_channel("ops", members=[slack.bot_user_id, alice])
    planned = flyte.faults.plan(route, fault, times=None)
    async with running(slack, flyte, tmp_path) as pack:
        slack.say(alice, channel, "echo hi")
        refused = await until_health(pack, lambda check: not check["healthy"])
        assert any(word in refused["status"] for word in ("security policy", "token"))
        for _ in range(20):  # neither a registration nor requests of another kind turn it green
            assert not (await get(await pack.url()))[1]["flyte"]["healthy"]
            await asyncio.sleep(0.05)
        registrations = flyte.counts["register", 201]
        assert registrations == 1 if fault in (ROUTER, faults.status(405)) else registrations <= 10
        flyte.faults.remove(planned)
        await slack.wait_for(lambda: len(slack.posts) == 1, 30)
        await until_health(pack, lambda check: check["healthy"])
        assert await pack.stop() == 0
    assert len(slack.posts) == 1
    assert "pack_forgotten_by_the_engine" not in {line["event"] for line in pack.log} or fault == faults.status(404)


async def test_an_action_of_15_mb_costs_little_memory_and_holds_up_nothing(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    async with running(slack, flyte, tmp_path) as pack:
        await flyte.wait_for(lambda: flyte.takes)
        before = resident_bytes(pack)
        text = b'{"command": "Broadcast", "input": {"message": [' + b"[]," * 5_000_000 + b"1]}, " + LINKS + b"}"
        large = flyte.queue_raw("Slack", text)
        small = flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "behind"})
        answered = asyncio.create_task(flyte.wait_for(lambda: {large, small} <= set(flyte.results), 30), name="wait")
        slowest = 0.0
        time = asyncio.get_running_loop().time
        url = await pack.url() + "/live"
        while not answered.done():
            began = time()
            await get(url)
            slowest = max(slowest, time() - began)
        await answered
        assert peak_resident_bytes(pack) - before < 64 * 1024 * 1024
        assert slowest < 1.0  # a loaded machine; `make bench` measures it
        assert await pack.stop() == 0
    result = flyte.results[large]
    assert (result.name, result.payload) == ("FATAL", "input is not valid: input is larger than 1 MiB")
    assert flyte.results[small].name == "MessageSent"


async def test_an_action_that_stays_new_in_the_audit_is_recovered_after_its_take_was_lost(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    flyte.faults.plan("take", faults.audit_race(is_lost=True), when=lambda _: flyte.waiting() > 0)
    async with running(slack, flyte, tmp_path) as pack:
        await pack.wait_for_event("hearing")
        action = flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "swallowed"})
        await flyte.wait_for(lambda: action in flyte.results, 40)
        assert await pack.stop() == 0
    assert [post.text for post in slack.posts] == ["swallowed"]
    assert flyte.counts["audit", 200] <= 3


async def test_no_warning_is_logged_at_a_normal_start(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    slack.add_channel("ops", members=[slack.bot_user_id])
    (temporary := tmp_path / "temporary").mkdir()
    async with running(slack, flyte, tmp_path, TMPDIR=str(temporary)) as pack:
        await flyte.wait_for(lambda: len(flyte.takes) > 3)
        assert await pack.stop() == 0
    assert [line["event"] for line in pack.log if line["level"] in ("warning", "error")] == []
