"""What ends the daemon, with which exit status and reason, and what does not."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from entrypoints.simulation.faults import CannedResponse
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.faults import error, http_status
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import PROGRAM, daemon, daemon_environ, fresh_daemon
from tests.support.transports import socket_mode_environ

BUG = """
import os
from {module} import {name}

async def fail(self):
    raise RuntimeError(os.environ["FLYTE_SLACK_TOKEN"])

{name}.{method} = fail
"""


async def test_all_invalid_settings_are_named_at_once_with_status_2() -> None:
    async with fresh_daemon({"FLYTE_API": "not a url", "FLYTE_SLACK_GIVE_UP": "soon"}) as pack:
        assert await pack.wait() == 2
    named = {line.partition(":")[0] for line in pack.other_lines}
    assert {"FLYTE_API", "FLYTE_SLACK_TOKEN", "FLYTE_SLACK_GIVE_UP"} <= named


@pytest.mark.parametrize(
    ("variable", "wrong"), [("FLYTE_SLACK_TOKEN", "xoxb-wrong"), ("FLYTE_SLACK_APP_TOKEN", "xapp-wrong")]
)
async def test_a_rejected_token_gives_status_1_and_names_the_variable(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, variable: str, wrong: str
) -> None:
    async with daemon(socket_mode_environ(slack, flyte, tmp_path) | {variable: wrong}) as pack:
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
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, method: str, answer: CannedResponse, variable: str
) -> None:
    slack.faults.plan(method, answer)
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        assert await pack.wait() == 1
    assert (await pack.wait_for_event("pack_failed"))["reason"].startswith(f"{variable}: ")


async def test_a_token_that_cannot_use_rtm_gives_status_1_and_names_the_alternatives(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(daemon_environ(slack, flyte, tmp_path)) as pack:
        assert await pack.wait() == 1
    reason = (await pack.wait_for_event("pack_failed"))["reason"]
    assert reason.startswith("FLYTE_SLACK_TOKEN: not_allowed_token_type: ")
    assert [reason.count(name) for name in ("FLYTE_SLACK_APP_TOKEN", "FLYTE_SLACK_SIGNING_SECRET")] == [1, 1]


async def test_a_second_pack_on_the_same_directory_gives_status_1(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as first:
        await first.wait_for_event("listening")
        async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as second:
            assert await second.wait() == 1
        assert "in use by another pack" in (await second.wait_for_event("pack_failed"))["reason"]
        assert await first.stop() == 0


async def test_a_port_in_use_gives_status_1(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with daemon(socket_mode_environ(slack, flyte, tmp_path, FLYTE_SLACK_HTTP_PORT=port)) as pack:
            assert await pack.wait() == 1
    assert "FLYTE_SLACK_HTTP_PORT" in (await pack.wait_for_event("pack_failed"))["reason"]


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2> >(true)", "2>&- >&- <&-"])
async def test_a_broken_standard_error_changes_no_exit_status(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, redirection: str
) -> None:
    variables = socket_mode_environ(slack, flyte, tmp_path, LOGLEVEL="debug", PATH=os.environ["PATH"])
    command = f"exec {PROGRAM} {redirection}"
    running = await asyncio.create_subprocess_exec("bash", "-c", command, env=variables)
    await slack.wait_for(lambda: slack.connections, 15)
    running.send_signal(signal.SIGTERM)
    assert await running.wait() == 0

    invalid = await asyncio.create_subprocess_exec("bash", "-c", command, env=variables | {"FLYTE_API": "no"})
    assert await invalid.wait() == 2


async def test_a_bug_gives_status_1_and_a_traceback_without_secrets(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = socket_mode_environ(slack, flyte, tmp_path, FLYTE_SLACK_STORAGE="memory:")
    (tmp_path / "sitecustomize.py").write_text(
        BUG.format(module="application.supervisor", name="Supervisor", method="run")
    )
    async with fresh_daemon(variables | {"PYTHONPATH": str(tmp_path)}) as pack:
        assert await pack.wait() == 1
    failure = await pack.wait_for_event("pack_failed")
    assert "report" in failure["reason"]
    assert "RuntimeError: ***" in failure["exception"]
    assert slack.bot_token not in repr(pack.log)
    assert not pack.other_lines


async def test_a_bug_in_one_part_is_logged_without_secrets_and_ends_nothing(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = socket_mode_environ(slack, flyte, tmp_path, FLYTE_SLACK_STORAGE="memory:")
    bug = BUG.format(module="application.workers.backlog_monitor", name="BacklogMonitor", method="run")
    (tmp_path / "sitecustomize.py").write_text(bug)
    async with fresh_daemon(variables | {"PYTHONPATH": str(tmp_path)}) as pack:
        failure = await pack.wait_for_event("internal_error")
        await pack.wait_for_event("hearing")
        assert await pack.stop() == 0
    assert "RuntimeError: ***" in failure["exception"]
    assert slack.bot_token not in repr(pack.log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_startup_ends_the_daemon_with_status_0(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, number: signal.Signals
) -> None:
    async with fresh_daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        while not _has_handler(pack.process.pid, signal.SIGTERM):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0)
        assert await pack.stop(number) == 0
    assert pack.log == []
    assert pack.other_lines == []


def _has_handler(process_id: int, number: signal.Signals) -> bool:
    """Whether the process has installed a handler for the signal, according to the kernel."""
    status = Path(f"/proc/{process_id}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
