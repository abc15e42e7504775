import shutil
import subprocess
from bisect import bisect_right
from functools import partial
from pathlib import Path

import pytest

from entrypoints.simulation.flyte_server import FlyteServer
from entrypoints.simulation.slack_server import SlackServer
from tests.scenarios.daemon_process import daemon, environment

_SOURCE = Path(__file__).with_name("fsync_log.c")
_MESSAGES = 50


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """What notes when an fsync has returned, compiled."""
    compiled = tmp_path / "fsync_log.so"
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", compiled, _SOURCE, "-ldl"], check=True)  # noqa: S603 - ours
    return compiled


async def _acknowledged_without_fsync(library: Path, tmp_path: Path, **variables: str) -> int:
    """Of so many messages, those for which no fsync lies between saying and acknowledgement.

    With Flyte away, nothing but these messages gives the disk anything to do.
    """
    log = tmp_path / "fsyncs"
    async with SlackServer() as slack, FlyteServer() as flyte:
        alice = slack.add_user("alice")
        channel = slack.add_channel("ops", members=[slack.bot_user_id])
        settings = environment(slack, flyte, tmp_path, FLYTE_SLACK_APP_TOKEN=slack.app_token, **variables)
        async with daemon(settings | {"LD_PRELOAD": str(library), "FSYNC_LOG": str(log)}) as pack:
            await pack.until_event("hearing")
            await flyte.go_down()
            await pack.until_event("workflow_engine_out_of_reach")
            for number in range(_MESSAGES):
                is_acknowledged = partial(
                    slack.is_acknowledged, channel, slack.say(alice, channel, f"message {number}")
                )
                await slack.wait_for(is_acknowledged, 10)
            assert await pack.stop() == 0
        acknowledged = [done for done in slack.acknowledged.values() if done.ts]
    fsyncs = sorted(float(line) for line in log.read_text().split()) if log.exists() else []
    assert len(acknowledged) >= _MESSAGES
    return sum(bisect_right(fsyncs, done.raised_at) == bisect_right(fsyncs, done.at) for done in acknowledged)


async def test_the_disk_has_every_message_before_slack_is_told(library: Path, tmp_path: Path) -> None:
    assert await _acknowledged_without_fsync(library, tmp_path, FLYTE_SLACK_LISTEN="member") == 0


async def test_the_test_would_see_it_if_the_disk_were_not_asked(library: Path, tmp_path: Path) -> None:
    memory = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_LISTEN": "member"}
    assert await _acknowledged_without_fsync(library, tmp_path, **memory) >= _MESSAGES
