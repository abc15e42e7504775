"""The pack beside a Slack and a Flyte with another time, and with odd answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from entrypoints.http import SLACK_PATH
from entrypoints.simulation.faults import CannedResponse
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer() as server:
        yield server


async def test_clocks_that_differ_are_shown_and_make_nothing_unhealthy(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack.clock_offset_seconds, flyte.clock_offset_seconds = -90, 600
    variables = daemon_environ(slack, flyte, tmp_path, FLYTE_SLACK_APP_TOKEN=slack.app_token)
    async with daemon(variables) as pack, aiohttp.ClientSession(await pack.url()) as http:
        ahead: dict[str, float] = {}
        while len(ahead) < 2:
            line = await pack.wait_for_line(
                lambda line: line["event"] == "clock_differs" and line["service"] not in ahead
            )
            ahead[line["service"]] = line["ahead_seconds"]
        assert ahead == {"chat service": pytest.approx(90, abs=2), "workflow engine": pytest.approx(-600, abs=2)}
        await pack.wait_for_event("hearing")
        async with http.get("/") as answer:
            assert answer.status == 200
            checks = await answer.json()
        assert " s ahead" in checks["slack"]["status"]
        assert " s behind" in checks["flyte"]["status"]
        assert await pack.stop() == 0


@pytest.mark.parametrize("offset_seconds", [-400.0, 400.0])
async def test_signed_requests_of_a_slack_with_another_time_are_accepted(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, offset_seconds: float
) -> None:
    slack.clock_offset_seconds = offset_seconds
    alice = slack.add_user("alice")
    secret = {"FLYTE_SLACK_SIGNING_SECRET": slack.signing_secret}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **secret)) as pack:
        await pack.wait_for_event("hearing")
        await slack.deliver_to(await pack.url() + SLACK_PATH)
        slack.say(alice, slack.open_im(alice), "hello")
        await flyte.wait_for(lambda: len(flyte.events) == 1, 10)
        assert await pack.stop() == 0


@pytest.mark.parametrize(
    ("method", "content_type"),
    [("users.info", "application/json"), ("apps.connections.open", "application/json; charset=rot13")],
)
async def test_an_answer_that_can_not_be_decoded_ends_nothing(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, method: str, content_type: str
) -> None:
    body = b'{"ok": true, "user": ' + b"9" * 5000 + b', "url": ' + b"9" * 5000 + b"}"
    slack.faults.plan(method, CannedResponse("odd", 200, body, content_type))
    alice = slack.add_user("alice")
    variables = daemon_environ(slack, flyte, tmp_path, FLYTE_SLACK_APP_TOKEN=slack.app_token)
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        slack.say(alice, slack.open_im(alice), "hello")
        await flyte.wait_for(lambda: len(flyte.events) == 1, 10)
        assert await pack.stop() == 0
    assert not [line for line in pack.log if line["event"] in ("internal_error", "pack_failed")]


async def test_a_time_to_wait_beyond_all_bounds_is_no_failure(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack.faults.plan("chat.postMessage", CannedResponse("odd", 429, b"", headers={"Retry-After": "1e300"}))
    channel = slack.add_channel("ops", members=(slack.bot_user_id,))
    variables = daemon_environ(slack, flyte, tmp_path, FLYTE_SLACK_APP_TOKEN=slack.app_token)
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "hello"})
        line = await pack.wait_for_event("throttled")
        assert line["seconds"] <= 3600
        assert await pack.stop() == 0
    assert not flyte.results
