"""The daemon on a damaged storage."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.outbox import Backlog
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ


@pytest.fixture
def variables(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> dict[str, str]:
    more = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_LISTEN": "member"}
    return daemon_environ(slack, flyte, tmp_path, **more)


async def test_an_unreadable_message_is_set_aside_and_both_directions_go_on(
    slack: SlackServer, flyte: FlyteServer, variables: dict[str, str], tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    await flyte.go_down("refuse")
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        keys = [f"{channel}:{slack.say(alice, channel, f'echo {n}')}" for n in range(3)]
        await slack.wait_for(lambda: not slack.unacknowledged, 10)
        assert await pack.stop() == 0
    with closing(sqlite3.connect(tmp_path / "state" / "flyte-slack.db")) as database, database:
        database.execute("UPDATE outbox SET said = CAST(x'ff' AS TEXT) WHERE key = ?", (keys[0],))
        database.execute("UPDATE outbox SET received_at = 9e18 WHERE key = ?", (keys[1],))
        database.execute("UPDATE lanes SET heard_until = 'noon', head = -1, not_before = 9e18")
    await flyte.come_up()

    async with daemon(variables) as pack:
        await slack.wait_for(lambda: len(slack.posts) == 1, 15)
        assert await pack.stop() == 0

    assert slack.posts[0].text.endswith("2")
    storage = FileStorage(tmp_path / "state", SystemClock())
    async with storage.open():
        assert await storage.outbox.backlog() == Backlog(waiting=0, dead_lettered=2)
    assert {line["ref"] for line in pack.log if line["event"] == "unreadable_set_aside"} == set(keys[:2])
    assert not [line for line in pack.log if line["event"] in ("internal_error", "pack_failed")]


async def test_a_log_removed_under_the_running_pack_loses_no_acknowledged_message(
    slack: SlackServer, flyte: FlyteServer, variables: dict[str, str], tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    await flyte.go_down("refuse")
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        slack.say(alice, channel, "echo before")
        await slack.wait_for(lambda: not slack.unacknowledged, 10)
        (tmp_path / "state" / "flyte-slack.db-wal").unlink()
        await pack.wait_for_event("storage_log_removed")
        pack.process.kill()
        await pack.wait()
    await flyte.come_up()
    async with daemon(variables) as pack:
        await slack.wait_for(lambda: len(slack.posts) == 1, 15)
        assert await pack.stop() == 0
    assert not [line for line in pack.log if line["event"] == "state_incomplete"]


async def test_an_emptied_database_is_reported_at_the_start(variables: dict[str, str], tmp_path: Path) -> None:
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        assert await pack.stop() == 0
    os.truncate(tmp_path / "state" / "flyte-slack.db", 0)
    async with daemon(variables) as pack:
        line = await pack.wait_for_event("state_unreadable")
        await pack.wait_for_event("hearing")
        assert await pack.stop() == 0
    assert (line["level"], line["reason"]) == ("error", "it is empty")


async def test_a_database_emptied_under_the_running_pack_is_unhealthy_and_nothing_is_acknowledged(
    slack: SlackServer, variables: dict[str, str], tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        os.truncate(tmp_path / "state" / "flyte-slack.db", 0)
        slack.say(alice, channel, "echo lost")
        line = await pack.wait_for_event("storage_unavailable")
        assert slack.unacknowledged
    assert "was emptied while in use" in line["reason"]
