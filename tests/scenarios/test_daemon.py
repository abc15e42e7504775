import asyncio
import os
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH
from entrypoints.http_limits import raise_open_file_limit
from entrypoints.simulation.faults import CannedResponse, Slow
from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.faults import error, http_status, rate_limited
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import PROGRAM, DaemonProcess, daemon, daemon_environ, fresh_daemon

BUG = """
import os
from {module} import {name}

async def fail(self):
    raise RuntimeError(os.environ["FLYTE_SLACK_TOKEN"])

{name}.{method} = fail
"""

MIB = 1024 * 1024
ECHO = Path(__file__).parents[2] / "entrypoints" / "simulation" / "flows" / "echo.yaml"


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[flow_from_file(ECHO)]) as server:
        yield server


class Transport(Enum):
    """How the pack receives events from Slack."""

    SOCKET_MODE = "socket mode"
    HTTP = "http"
    RTM = "rtm"

    def secrets(self, slack: SlackServer) -> dict[str, str]:
        """The variables that select this transport."""
        return {
            Transport.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": slack.app_token},
            Transport.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": slack.signing_secret},
            Transport.RTM: {},
        }[self]

    async def wait_until_receiving(self, slack: SlackServer, pack: DaemonProcess) -> None:
        """Return once the pack receives; for HTTP, first enter the request URL in Slack, as an operator does."""
        if self is Transport.HTTP:
            await slack.deliver_to(await pack.url() + SLACK_PATH)
        await pack.wait_for_event("hearing")


@pytest.fixture(params=Transport, ids=lambda transport: transport.value)
def transport(request: pytest.FixtureRequest) -> Transport:
    return cast("Transport", request.param)


@pytest.fixture
async def slack(transport: Transport) -> AsyncIterator[SlackServer]:
    async with SlackServer(classic=transport is Transport.RTM) as server:
        yield server


@pytest.fixture
async def modern_slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


def socket_mode_environ(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> dict[str, str]:
    return daemon_environ(slack, flyte, directory, **Transport.SOCKET_MODE.secrets(slack), **more)


async def test_a_flow_echoes_a_message_in_the_default_channel(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with fresh_daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
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


async def test_joined_channels_survive_a_restart(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    variables = daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "JoinChannel", {"channelId": channel})
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop(signal.SIGINT) == 0
    async with daemon(variables) as pack:
        await transport.wait_until_receiving(slack, pack)
        slack.say(alice, channel, "echo again")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        assert await pack.stop() == 0


async def test_a_post_in_progress_is_finished_and_reported_at_shutdown(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", Slow(1.0))
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "slow"})
        await slack.wait_for(lambda: slack.counters["chat.postMessage"] == 1, 5)
        assert await pack.stop() == 0

    assert [post.text for post in slack.posts] == ["slow"]
    assert [result.name for result in flyte.results.values()] == ["MessageSent"]


async def test_work_interrupted_by_a_shutdown_is_resumed_by_the_next_start(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", rate_limited(5))
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "later"})
        await pack.wait_for_event("throttled")
        assert await pack.stop() == 0
    assert not slack.posts
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await flyte.wait_for(lambda: len(flyte.results) == 1, 15)
        assert await pack.stop() == 0
    assert [post.text for post in slack.posts] == ["later"]


async def test_all_invalid_settings_are_named_at_once_with_status_2() -> None:
    async with fresh_daemon({"FLYTE_API": "not a url", "FLYTE_SLACK_GIVE_UP": "soon"}) as pack:
        assert await pack.wait() == 2
    named = {line.partition(":")[0] for line in pack.other_lines}
    assert {"FLYTE_API", "FLYTE_SLACK_TOKEN", "FLYTE_SLACK_GIVE_UP"} <= named


@pytest.mark.parametrize(
    ("variable", "wrong"), [("FLYTE_SLACK_TOKEN", "xoxb-wrong"), ("FLYTE_SLACK_APP_TOKEN", "xapp-wrong")]
)
async def test_a_rejected_token_gives_status_1_and_names_the_variable(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, variable: str, wrong: str
) -> None:
    async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path) | {variable: wrong}) as pack:
        assert await pack.wait() == 1
    failure = await pack.wait_for_event("pack_failed")
    assert failure["reason"].startswith(f"{variable}: invalid_auth: ")
    assert wrong not in repr(pack.log)


@pytest.mark.parametrize(
    ("method", "answer", "variable"),
    [
        ("auth.test", error("ekm_access_denied"), "FLYTE_SLACK_TOKEN"),
        ("auth.test", http_status(404), "FLYTE_SLACK_API_URL"),
        ("apps.connections.open", error("missing_scope"), "FLYTE_SLACK_APP_TOKEN"),
        ("apps.connections.open", error("unknown_method"), "FLYTE_SLACK_API_URL"),
    ],
)
async def test_what_slack_rejects_at_the_start_names_the_variable(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, method: str, answer: CannedResponse, variable: str
) -> None:
    modern_slack.faults.plan(method, answer)
    async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as pack:
        assert await pack.wait() == 1
    assert (await pack.wait_for_event("pack_failed"))["reason"].startswith(f"{variable}: ")


async def test_a_token_that_cannot_use_rtm_gives_status_1_and_names_the_alternatives(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(daemon_environ(modern_slack, flyte, tmp_path)) as pack:
        assert await pack.wait() == 1
    reason = (await pack.wait_for_event("pack_failed"))["reason"]
    assert reason.startswith("FLYTE_SLACK_TOKEN: not_allowed_token_type: ")
    assert [reason.count(name) for name in ("FLYTE_SLACK_APP_TOKEN", "FLYTE_SLACK_SIGNING_SECRET")] == [1, 1]


async def test_a_second_pack_on_the_same_directory_gives_status_1(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as first:
        await first.wait_for_event("listening")
        async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as second:
            assert await second.wait() == 1
        assert "in use by another pack" in (await second.wait_for_event("pack_failed"))["reason"]
        assert await first.stop() == 0


async def test_a_port_in_use_gives_status_1(modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path, FLYTE_SLACK_HTTP_PORT=port)) as pack:
            assert await pack.wait() == 1
    assert "FLYTE_SLACK_HTTP_PORT" in (await pack.wait_for_event("pack_failed"))["reason"]


async def test_health_follows_the_availability_of_flyte(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with (
        daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as pack,
        aiohttp.ClientSession(await pack.url()) as http,
    ):
        await pack.wait_for_line(
            lambda _: {line["check"] for line in pack.log if line["event"] == "healthy"} == set(HEALTH_CHECKS)
        )
        async with http.get("/") as answer:
            assert answer.status == 200
            assert {name: check["healthy"] for name, check in (await answer.json()).items()} == dict.fromkeys(
                HEALTH_CHECKS, True
            )
        await flyte.go_down()
        await pack.wait_for_line(lambda line: line["event"] == "unhealthy" and line["status"] == "out of reach")
        async with http.get("/") as answer:
            assert answer.status == 500
        async with http.get("/live") as answer:
            assert answer.status == 200
        assert await pack.stop() == 0


async def test_messages_posted_while_flyte_is_down_reach_it_afterwards(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        await flyte.go_down()
        texts = [f"message {number}" for number in range(10)]
        for text in texts:
            slack.say(alice, channel, text)
            # Requests under way at once have no order.
            await slack.wait_for(lambda: not any(alice in str(each.body) for each in slack.unacknowledged.values()), 10)
        await pack.wait_for_event("workflow_engine_out_of_reach")
        await flyte.come_up()
        await flyte.wait_for(lambda: len(flyte.events) == 10, 15)
        assert [cast("dict[str, str]", event.payload)["message"] for event in flyte.events] == texts
        assert await pack.stop() == 0


async def test_an_unsigned_request_is_rejected_and_its_content_not_logged(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = daemon_environ(modern_slack, flyte, tmp_path, **Transport.HTTP.secrets(modern_slack))
    async with daemon(variables) as pack, aiohttp.ClientSession(await pack.url()) as http:
        await pack.wait_for_event("hearing")
        async with http.post(SLACK_PATH, json={"type": "event_callback", "event": {"text": "hush"}}) as answer:
            assert answer.status == 401
        await pack.wait_for_event("slack_request_refused")
        assert await pack.stop() == 0
    assert "hush" not in repr(pack.log)


@pytest.mark.parametrize("signature", ["", "v0=" + "0" * 64], ids=["unsigned", "wrongly signed"])
async def test_bodies_of_strangers_take_little_memory_and_leave_health_alone(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, signature: str
) -> None:
    variables = daemon_environ(modern_slack, flyte, tmp_path, **Transport.HTTP.secrets(modern_slack))
    signed = f"X-Slack-Signature: {signature}\r\nX-Slack-Request-Timestamp: {int(time.time())}\r\n" if signature else ""
    head = f"POST {SLACK_PATH} HTTP/1.1\r\nHost: a\r\n{signed}Content-Length: {MIB}\r\n\r\n".encode()
    async with (
        fresh_daemon(variables) as pack,
        aiohttp.ClientSession(await pack.url()) as http,
        AsyncExitStack() as stack,
    ):
        await pack.wait_for_event("hearing")
        before = _peak_memory_mib(pack.process.pid)
        url, body = await pack.url(), b"x" * (MIB - 1)
        await asyncio.gather(*(stack.enter_async_context(_stranger(url, head + body)) for _ in range(300)))
        for path in ("/live", "/ready"):
            async with http.get(path, timeout=aiohttp.ClientTimeout(total=2)) as answer:
                assert answer.status == 200
        assert _peak_memory_mib(pack.process.pid) - before < 64
        assert await pack.stop() == 0
    assert len(pack.log) < 40
    assert not pack.other_lines


async def test_idle_connections_exhaust_no_file_descriptors(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    raise_open_file_limit()
    async with daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as pack, AsyncExitStack() as stack:
        url = await pack.url()
        for _ in range(1100):
            await stack.enter_async_context(_stranger(url, b""))
        async with aiohttp.ClientSession(url) as http, http.get("/live") as answer:
            assert answer.status == 200
        assert await pack.stop() == 0
    assert not [line for line in pack.log if line["level"] == "error"]


async def test_the_limit_of_open_files_is_raised(modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # which the daemon inherits
    try:
        async with fresh_daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as pack:
            await pack.wait_for_event("listening")
            assert resource.prlimit(pack.process.pid, resource.RLIMIT_NOFILE) == (min(4096, hard), hard)
            assert await pack.stop() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2> >(true)", "2>&- >&- <&-"])
async def test_a_broken_standard_error_changes_no_exit_status(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, redirection: str
) -> None:
    variables = socket_mode_environ(modern_slack, flyte, tmp_path, LOGLEVEL="debug", PATH=os.environ["PATH"])
    command = f"exec {PROGRAM} {redirection}"
    running = await asyncio.create_subprocess_exec("bash", "-c", command, env=variables)
    await modern_slack.wait_for(lambda: modern_slack.connections, 15)
    running.send_signal(signal.SIGTERM)
    assert await running.wait() == 0

    invalid = await asyncio.create_subprocess_exec("bash", "-c", command, env=variables | {"FLYTE_API": "no"})
    assert await invalid.wait() == 2


async def test_an_outage_of_slack_does_not_flood_the_log(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    channels = [slack.add_channel(f"c{number}", members=[slack.bot_user_id]) for number in range(50)]
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        await slack.go_down()
        for number in range(300):
            flyte.queue_action("Slack", "SendMessage", {"channelId": channels[number % 50], "message": str(number)})
        await pack.wait_for_event("chat_out_of_reach")
        await flyte.wait_for(lambda: not flyte.waiting(), 15)
        assert await pack.stop() == 0
    assert len(pack.log) < 100
    assert "chat_out_of_reach" in {line["of"] for line in pack.log if line["event"] == "lines_left_out"}


async def test_a_pack_in_socket_mode_accepts_no_http_requests_from_slack(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    both = Transport.SOCKET_MODE.secrets(modern_slack) | Transport.HTTP.secrets(modern_slack)
    async with daemon(daemon_environ(modern_slack, flyte, tmp_path, **both)) as pack:
        await pack.wait_for_event("hearing")
        with pytest.raises(ConnectionError, match="404"):
            await modern_slack.deliver_to(await pack.url() + SLACK_PATH)
        assert await pack.stop() == 0


async def test_a_bug_gives_status_1_and_a_traceback_without_secrets(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = socket_mode_environ(modern_slack, flyte, tmp_path, FLYTE_SLACK_STORAGE="memory:")
    (tmp_path / "sitecustomize.py").write_text(
        BUG.format(module="application.supervisor", name="Supervisor", method="run")
    )
    async with fresh_daemon(variables | {"PYTHONPATH": str(tmp_path)}) as pack:
        assert await pack.wait() == 1
    failure = await pack.wait_for_event("pack_failed")
    assert "report" in failure["reason"]
    assert "RuntimeError: ***" in failure["exception"]
    assert modern_slack.bot_token not in repr(pack.log)
    assert not pack.other_lines


async def test_a_bug_in_one_part_is_logged_without_secrets_and_ends_nothing(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = socket_mode_environ(modern_slack, flyte, tmp_path, FLYTE_SLACK_STORAGE="memory:")
    bug = BUG.format(module="application.workers.backlog_monitor", name="BacklogMonitor", method="run")
    (tmp_path / "sitecustomize.py").write_text(bug)
    async with fresh_daemon(variables | {"PYTHONPATH": str(tmp_path)}) as pack:
        failure = await pack.wait_for_event("internal_error")
        await pack.wait_for_event("hearing")
        assert await pack.stop() == 0
    assert "RuntimeError: ***" in failure["exception"]
    assert modern_slack.bot_token not in repr(pack.log)


async def test_a_retried_entry_is_delivered_by_the_running_daemon(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    slack = modern_slack
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    rejection = flyte.faults.plan("event", status(400))
    variables = socket_mode_environ(slack, flyte, tmp_path, FLYTE_SLACK_LISTEN="member")
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        slack.say(alice, channel, "echo poison")
        await pack.wait_for_event("message_set_aside")
        flyte.faults.remove(rejection)
        async with daemon(variables, "outbox", "retry", "--all") as retrying:
            assert await retrying.wait() == 0
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        assert await pack.stop() == 0
    assert slack.posts[0].text.endswith("poison")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_startup_ends_the_daemon_with_status_0(
    modern_slack: SlackServer, flyte: FlyteServer, tmp_path: Path, number: signal.Signals
) -> None:
    async with fresh_daemon(socket_mode_environ(modern_slack, flyte, tmp_path)) as pack:
        while not _has_handler(pack.process.pid, signal.SIGTERM):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0)
        assert await pack.stop(number) == 0
    assert pack.log == []
    assert pack.other_lines == []


@asynccontextmanager
async def _stranger(url: str, sent: bytes) -> AsyncIterator[None]:
    """A connection on which as much of this is sent as the pack accepts."""
    _, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                for start in range(0, len(sent), 65536):
                    writer.write(sent[start : start + 65536])
                    await writer.drain()
        yield
    finally:
        writer.transport.abort()


def _peak_memory_mib(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) // 1024


def _has_handler(process_id: int, number: signal.Signals) -> bool:
    """Whether the process has installed a handler for the signal, according to the kernel."""
    status = Path(f"/proc/{process_id}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
