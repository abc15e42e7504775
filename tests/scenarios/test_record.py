"""A daemon that records its traffic, and the flow test made from the recording."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.recording.entries import ActionCompleted, ActionTaken, EventPublished, MessagePosted, MessageReceived
from entrypoints.cli.commands import main
from entrypoints.flow_tests.recordings.session import read_recording
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ

ECHO = BUILT_IN / "echo.yaml"


async def flyte_slack(*arguments: object) -> Result:
    """Runs a command in a thread, since flow tests have an event loop of their own."""
    return await asyncio.to_thread(CliRunner().invoke, main, list(map(str, arguments)))


@pytest.fixture
async def servers() -> AsyncIterator[tuple[SlackServer, FlyteServer]]:
    async with SlackServer() as slack, FlyteServer(flows=[flow_from_file(ECHO)]) as flyte:
        yield slack, flyte


async def test_recorded_traffic_contains_no_secrets_and_makes_a_flow_test(
    servers: tuple[SlackServer, FlyteServer], tmp_path: Path
) -> None:
    slack, flyte = servers
    zoe, ops, record = slack.add_user("zoe"), slack.add_channel("ops"), tmp_path / "session.jsonl"
    variables = {"FLYTE_SLACK_RECORD": str(record), "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": ops, "FLYTE_JWT": "h.u.sh"}
    variables["FLYTE_SLACK_APP_TOKEN"] = slack.app_token

    async with daemon(daemon_environ(slack, flyte, tmp_path, **variables)) as pack:
        await slack.wait_for(lambda: slack.is_member(ops), timeout=15)
        await pack.wait_for_event("hearing")
        slack.say(zoe, ops, f"echo mail me: zoe@example.org, not {slack.bot_token}")
        await pack.wait_for_event("action_concluded")
        await flyte.wait_for(lambda: len(flyte.results) > 0, timeout=15)
        assert await pack.stop() == 0

    kinds = [
        type(entry)
        for entry in read_recording(record)
        if isinstance(entry, MessageReceived | EventPublished | ActionTaken | ActionCompleted | MessagePosted)
    ]
    assert kinds[:3] == [MessageReceived, EventPublished, ActionTaken]
    assert {MessagePosted, ActionCompleted} <= set(kinds)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    content = record.read_text()
    assert "echo mail me: ***, not ***" in content
    assert not [secret for secret in (slack.bot_token, slack.app_token, "h.u.sh", "@example") if secret in content]

    converted = await flyte_slack("record-to-test", record, "--flow", ECHO, "-o", tmp_path / "t.yaml")
    assert converted.exit_code == 0
    tested = await flyte_slack("test", tmp_path / "t.yaml")
    assert tested.exit_code == 0, tested.output


async def test_a_recording_that_cannot_be_written_gives_status_1_and_the_reason(
    servers: tuple[SlackServer, FlyteServer], tmp_path: Path
) -> None:
    slack, flyte = servers
    variables = {"FLYTE_SLACK_RECORD": str(tmp_path / "none" / "session.jsonl")}

    async with daemon(daemon_environ(slack, flyte, tmp_path, **variables)) as pack:
        assert await pack.wait() == 1

    assert [line["reason"].partition(":")[0] for line in pack.log if line["event"] == "pack_failed"] == [
        "FLYTE_SLACK_RECORD"
    ]
