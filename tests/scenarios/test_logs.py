"""The log of the daemon between two servers: how it starts, and the lines of an echo."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from entrypoints.config.settings import load_settings
from entrypoints.container.daemon import Daemon
from entrypoints.daemon import run_daemon
from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.faults import Reset
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_values
from entrypoints.simulation.flyte.models import ActionState
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon_environ
from tests.support.logs import restored_logging

STORY = ["message_delivered", "action_concluded"]


def flow_that_sends(more: dict[str, str]) -> Flow:
    """A flow that answers each message in its channel; `more` are other fields of the answer."""
    event = {"packName": "Slack", "name": "ReceivedMessage"}
    command = {
        "packName": "Slack",
        "name": "SendMessage",
        "input": {"channelId": "{{ Event.Payload.channelId }}"} | more,
    }
    return flow_from_values({"name": "answer", "steps": [{"event": event, "command": command}]}, "answer")


@dataclass
class Log:
    """The log of a daemon in this process."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def grep(self, text: str) -> list[str]:
        """The events of the lines that contain a text."""
        return [json.loads(line)["event"] for line in self.stream.getvalue().splitlines() if text in line]

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - nothing else tells of a line
                await asyncio.sleep(0.01)


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    thread = {"threadTimestamp": "{{ Event.Payload.timestamp }}", "message": "you said: {{ Event.Payload.message }}"}
    async with FlyteServer(flows=[flow_that_sends(thread)]) as server:
        yield server


@pytest.fixture
def variables(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> dict[str, str]:
    return variables_for(slack, flyte, tmp_path)


def variables_for(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> dict[str, str]:
    more = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_LABELS": "env=test", "FLYTE_SLACK_LISTEN": "member"}
    return daemon_environ(slack, flyte, tmp_path, **more)


@asynccontextmanager
async def daemon_in_process(variables: dict[str, str]) -> AsyncIterator[Log]:
    """Runs the daemon until the end of the block, and shuts it down."""
    settings, log = load_settings(variables), Log()
    daemon = Daemon(settings=settings)
    with restored_logging():
        repeats = configure_logs(settings.log_level, secrets=settings.secret_texts, stream=log.stream)
        running = asyncio.create_task(run_daemon(daemon, repeats), name="daemon")
        try:
            await log.wait_for(lambda: bool(log.grep('"hearing"') and log.grep('"registered"')))
            yield log
        finally:
            daemon.application.shutdown().request()
            assert await running == 0


async def test_the_first_line_tells_version_mode_labels_and_all_settings_that_are_not_secret(
    variables: dict[str, str], slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with daemon_in_process(variables) as log:
        start = log.lines[0]

    assert (start["event"], start["level"], start["version"]) == ("starting", "info", version("flyte-slack"))
    assert (start["mode"], start["pack"], start["labels"]) == ("socket mode", "Slack", {"env": "test"})
    assert start["storage"].startswith(str(tmp_path / "state"))
    expected = {
        "FLYTE_API": flyte.api_url,
        "FLYTE_SLACK_API_URL": slack.api_url,
        "FLYTE_SLACK_BACKUP_DIR": str(tmp_path / "state"),
        "FLYTE_SLACK_LISTEN": "member",
        "FLYTE_SLACK_IN_DOUBT": "fail",
        "FLYTE_SLACK_MESSAGE_BURST": 10,
        "FLYTE_SLACK_RECORD": None,
    }
    assert start["settings"].items() >= expected.items()
    assert not start["settings"].keys() & {"FLYTE_JWT", "FLYTE_SLACK_TOKEN", "FLYTE_SLACK_APP_TOKEN"}
    assert not [secret for secret in (slack.bot_token, slack.app_token) if secret in log.stream.getvalue()]


async def test_two_lines_tell_of_an_echo_and_one_search_finds_both(
    variables: dict[str, str], slack: SlackServer, flyte: FlyteServer
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=(slack.bot_user_id,))
    async with daemon_in_process(variables) as log:
        before = len(log.lines)
        timestamp = slack.say(alice, channel, "hello")
        await flyte.wait_for(lambda: len(flyte.results) == 1, 10)
        await log.wait_for(lambda: len(log.grep(timestamp)) == 2)
        assert [line["event"] for line in log.lines[before:]] == STORY

    delivered, concluded = (line for line in log.lines if line["event"] in STORY)
    assert log.grep(f"{channel}:{timestamp}") == STORY
    assert (delivered["ref"], delivered["channel"], delivered["ts"]) == (f"{channel}:{timestamp}", channel, timestamp)
    assert 0 <= delivered["lag"] < 10
    (action,) = flyte.results
    assert (concluded["ref"], concluded["cause"]) == (action, f"{channel}:{timestamp}")
    assert (concluded["channel"], concluded["ts"]) == (channel, slack.posts[0].ts)


async def test_an_action_whose_taking_got_lost_has_the_cause_that_the_audit_tells(
    slack: SlackServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=(slack.bot_user_id,))
    async with (
        FlyteServer(flows=[flow_that_sends({"message": "not in a thread"})]) as flyte,
        daemon_in_process(variables_for(slack, flyte, tmp_path)) as log,
    ):
        lost = flyte.faults.plan("take", Reset(after_effect=True), times=None)
        timestamp = slack.say(alice, channel, "hello")
        await flyte.wait_for(lambda: [a.state for a in flyte.actions.values()] == [ActionState.PENDING], 10)
        flyte.faults.remove(lost)
        await log.wait_for(lambda: bool(log.grep("swallowed_action_recovered")))
        story = log.grep(f"{channel}:{timestamp}")

    assert story == ["message_delivered", "swallowed_action_recovered"]


async def test_a_lost_connection_is_one_warning(variables: dict[str, str], slack: SlackServer) -> None:
    async with daemon_in_process(variables) as log:
        before = len(log.lines)
        slack.drop_sockets()
        await log.wait_for(lambda: len(log.grep('"hearing"')) == 2)
        lines = log.lines[before:]

    assert [line["event"] for line in lines if line["level"] != "info"] == ["not_hearing"]
