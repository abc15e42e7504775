import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from application.health import CHECKS
from entrypoints.http import SLACK_PATH
from entrypoints.simulation.faults import Slow
from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.faults import rate_limited
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import DaemonProcess, daemon, daemon_environ

A_BUG = """
import os
from application.workers.membership_sync import MembershipSync

async def reconcile(self):
    raise RuntimeError(os.environ["FLYTE_SLACK_TOKEN"])

MembershipSync.reconcile = reconcile
"""

ECHO = Path(__file__).parents[2] / "entrypoints" / "simulation" / "flows" / "echo.yaml"


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[flow_from_file(ECHO)]) as server:
        yield server


class Way(Enum):
    """A way of hearing from Slack."""

    SOCKET_MODE = "socket mode"
    HTTP = "http"
    RTM = "rtm"

    def secrets(self, slack: SlackServer) -> dict[str, str]:
        """What to set beside the bot's token, so that the pack takes this way."""
        return {
            Way.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": slack.app_token},
            Way.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": slack.signing_secret},
            Way.RTM: {},
        }[self]

    async def until_hearing(self, slack: SlackServer, pack: DaemonProcess) -> None:
        """Return when the pack hears; by HTTP after Slack was told, as an operator does, where the pack is."""
        if self is Way.HTTP:
            await slack.deliver_to(await pack.url() + SLACK_PATH)
        await pack.wait_for_event("hearing")


@pytest.fixture(params=Way, ids=lambda way: way.value)
def way(request: pytest.FixtureRequest) -> Way:
    return cast("Way", request.param)


@pytest.fixture
async def slack(way: Way) -> AsyncIterator[SlackServer]:
    async with SlackServer(classic=way is Way.RTM) as server:
        yield server


@pytest.fixture
async def modern_slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


def _for(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> dict[str, str]:
    return daemon_environ(slack, flyte, directory, **Way.SOCKET_MODE.secrets(slack), **more)


async def test_a_flow_echoes_what_is_said_in_the_default_channel(
    way: Way, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **way.secrets(slack), **default)) as pack:
        await way.until_hearing(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        slack.say(alice, channel, "echo hello world")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop() == 0

    assert slack.posts[0].text == f"<@{alice}>, you said:\n>>> hello world"
    [result] = flyte.results.values()
    assert result.name == "MessageSent"
    assert result.payload == {
        "channelId": channel,
        "message": slack.posts[0].text,
        "threadTimestamp": "",
        "timestamp": slack.posts[0].ts,
    }


async def test_joined_channels_outlive_a_restart(
    way: Way, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    variables = daemon_environ(slack, flyte, tmp_path, **way.secrets(slack))
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "JoinChannel", {"channelId": channel})
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop(signal.SIGINT) == 0
    async with daemon(variables) as pack:
        await way.until_hearing(slack, pack)
        slack.say(alice, channel, "echo again")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        assert await pack.stop() == 0


async def test_a_stop_in_the_middle_of_a_post_finishes_it_and_answers(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", Slow(1.0))
    async with daemon(_for(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "slow"})
        await slack.wait_for(lambda: slack.counters["chat.postMessage"] == 1, 5)
        assert await pack.stop() == 0

    assert [post.text for post in slack.posts] == ["slow"]
    assert [result.name for result in flyte.results.values()] == ["MessageSent"]


async def test_what_a_stop_left_undone_is_done_after_the_next_start(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", rate_limited(5))
    async with daemon(_for(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "later"})
        await pack.wait_for_event("throttled")
        assert await pack.stop() == 0
    assert not slack.posts
    async with daemon(_for(slack, flyte, tmp_path)) as pack:
        await flyte.wait_for(lambda: len(flyte.results) == 1, 15)
        assert await pack.stop() == 0
    assert [post.text for post in slack.posts] == ["later"]


async def test_every_mistake_in_the_configuration_is_named_at_once_with_status_2() -> None:
    async with daemon({"FLYTE_API": "not a url", "FLYTE_SLACK_GIVE_UP": "soon"}) as pack:
        assert await pack.wait() == 2
    named = {line.partition(":")[0] for line in pack.other_lines}
    assert {"FLYTE_API", "FLYTE_SLACK_TOKEN", "FLYTE_SLACK_GIVE_UP"} <= named


@pytest.mark.parametrize(
    ("variable", "wrong"), [("FLYTE_SLACK_TOKEN", "xoxb-wrong"), ("FLYTE_SLACK_APP_TOKEN", "xapp-wrong")]
)
async def test_a_token_that_slack_refuses_ends_the_start_with_status_1_and_the_variables_name(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, variable: str, wrong: str
) -> None:
    async with daemon(_for(modern_slack, flyte, tmp_path) | {variable: wrong}) as pack:
        assert await pack.wait() == 1
    failure = await pack.wait_for_event("pack_failed")
    assert failure["reason"].startswith(f"{variable}: invalid_auth: ")
    assert wrong not in repr(pack.log)


async def test_a_token_that_cant_use_rtm_ends_the_start_and_says_what_to_set(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(daemon_environ(modern_slack, flyte, tmp_path)) as pack:
        assert await pack.wait() == 1
    reason = (await pack.wait_for_event("pack_failed"))["reason"]
    assert "not_allowed_token_type" in reason
    assert "FLYTE_SLACK_APP_TOKEN" in reason
    assert "FLYTE_SLACK_SIGNING_SECRET" in reason


async def test_a_second_pack_on_the_same_directory_ends_with_status_1(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(_for(modern_slack, flyte, tmp_path)) as first:
        await first.wait_for_event("listening")
        async with daemon(_for(modern_slack, flyte, tmp_path)) as second:
            assert await second.wait() == 1
        assert "in use by another pack" in (await second.wait_for_event("pack_failed"))["reason"]
        assert await first.stop() == 0


async def test_a_port_that_is_taken_ends_the_start_with_status_1(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with daemon(_for(modern_slack, flyte, tmp_path, FLYTE_SLACK_HTTP_PORT=port)) as pack:
            assert await pack.wait() == 1
    assert "FLYTE_SLACK_HTTP_PORT" in (await pack.wait_for_event("pack_failed"))["reason"]


async def test_health_turns_green_and_red_with_flyte(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(_for(modern_slack, flyte, tmp_path)) as pack, aiohttp.ClientSession(await pack.url()) as http:
        await pack.wait_for_line(
            lambda _: {line["check"] for line in pack.log if line["event"] == "healthy"} == set(CHECKS)
        )
        async with http.get("/") as answer:
            assert answer.status == 200
            assert {name: check["healthy"] for name, check in (await answer.json()).items()} == dict.fromkeys(
                CHECKS, True
            )
        await flyte.go_down()
        await pack.wait_for_line(lambda line: line["event"] == "unhealthy" and line["status"] == "out of reach")
        async with http.get("/") as answer:
            assert answer.status == 500
        async with http.get("/live") as answer:
            assert answer.status == 200
        assert await pack.stop() == 0


async def test_what_is_said_while_flyte_is_down_reaches_it_afterwards(
    way: Way, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **way.secrets(slack), **default)) as pack:
        await way.until_hearing(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        await flyte.go_down()
        texts = [f"message {number}" for number in range(10)]
        for text in texts:
            slack.say(alice, channel, text)
        await pack.wait_for_event("workflow_engine_out_of_reach")
        await flyte.come_up()
        await flyte.wait_for(lambda: len(flyte.events) == 10, 15)
        assert [cast("dict[str, str]", event.payload)["message"] for event in flyte.events] == texts
        assert await pack.stop() == 0


async def test_an_unsigned_request_is_refused_and_leaves_no_more_than_a_line_in_the_log(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = daemon_environ(modern_slack, flyte, tmp_path, **Way.HTTP.secrets(modern_slack))
    async with daemon(variables) as pack, aiohttp.ClientSession(await pack.url()) as http:
        await pack.wait_for_event("hearing")
        async with http.post(SLACK_PATH, json={"type": "event_callback", "event": {"text": "hush"}}) as answer:
            assert answer.status == 401
        await pack.wait_for_event("slack_request_refused")
        assert await pack.stop() == 0
    assert "hush" not in repr(pack.log)


async def test_a_pack_that_hears_by_socket_mode_takes_no_http_requests_of_slack_s(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    both = Way.SOCKET_MODE.secrets(modern_slack) | Way.HTTP.secrets(modern_slack)
    async with daemon(daemon_environ(modern_slack, flyte, tmp_path, **both)) as pack:
        await pack.wait_for_event("hearing")
        with pytest.raises(ConnectionError, match="404"):
            await modern_slack.deliver_to(await pack.url() + SLACK_PATH)
        assert await pack.stop() == 0


async def test_an_unforeseen_error_ends_the_pack_with_status_1_and_a_traceback_without_secrets(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = _for(modern_slack, flyte, tmp_path, FLYTE_SLACK_STORAGE="memory:")
    (tmp_path / "sitecustomize.py").write_text(A_BUG)
    async with daemon(variables | {"PYTHONPATH": str(tmp_path)}) as pack:
        assert await pack.wait() == 1
    failure = await pack.wait_for_event("pack_failed")
    assert "report" in failure["reason"]
    assert "RuntimeError: ***" in failure["exception"]
    assert modern_slack.bot_token not in repr(pack.log)
    assert not pack.other_lines


async def test_what_was_set_aside_is_delivered_when_an_operator_retries_it_beside_the_daemon(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    poisoned = flyte.faults.plan("event", status(400))
    variables = _for(slack, flyte, tmp_path, FLYTE_SLACK_LISTEN="member")
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        slack.say(alice, channel, "echo poison")
        await pack.wait_for_event("message_set_aside")
        flyte.faults.remove(poisoned)
        async with daemon(variables, "outbox", "retry", "--all") as retrying:
            assert await retrying.wait() == 0
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        assert await pack.stop() == 0
    assert slack.posts[0].text.endswith("poison")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_while_it_still_starts_is_a_good_end(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, number: signal.Signals
) -> None:
    async with daemon(_for(modern_slack, flyte, tmp_path)) as pack:
        while not _catches(pack.process.pid, signal.SIGTERM):  # noqa: ASYNC110 - no event tells of this
            await asyncio.sleep(0)
        assert await pack.stop(number) == 0
    assert pack.log == []
    assert pack.other_lines == []


def _catches(process_id: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal, as the kernel says."""
    status = Path(f"/proc/{process_id}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
