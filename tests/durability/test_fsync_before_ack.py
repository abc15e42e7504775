"""Data is on disk before Slack gets its acknowledgement and before Flyte gets a request.

Killing the process can't verify this, since the kernel still holds what the process wrote. Instead a preloaded library
traces the process's writes, syncs and sends in their order.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon_environ, fresh_daemon

_SOURCE = Path(__file__).with_name("order_log.c")
_MESSAGES = 50


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The compiled library that traces writes, syncs and sends."""
    compiled = tmp_path / "order_log.so"
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", compiled, _SOURCE, "-ldl"], check=True)  # noqa: S603 - ours
    return compiled


async def test_messages_actions_and_outcomes_are_on_disk_before_anything_is_sent(library: Path, tmp_path: Path) -> None:
    trace = await _trace(library, tmp_path)

    assert [problem for number in range(_MESSAGES) for problem in _violations(trace, number)] == []


async def test_a_storage_without_fsync_is_detected(library: Path, tmp_path: Path) -> None:
    trace = await _trace(library, tmp_path, FLYTE_SLACK_STORAGE="memory:")

    assert all(len(_violations(trace, number)) == 4 for number in range(_MESSAGES))


async def _trace(library: Path, directory: Path, **variables: str) -> list[str]:
    """Posts messages, each after the echo of the one before, and returns the trace."""
    log = directory / "trace"
    async with SlackServer() as slack, FlyteServer(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as flyte:
        alice, channel = slack.add_user("alice"), slack.add_channel("ops")
        settings = {
            "FLYTE_SLACK_APP_TOKEN": slack.app_token,
            "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel,
            "FLYTE_SLACK_MESSAGE_BURST": "1000",
            "LD_PRELOAD": str(library),
            "ORDER_LOG": str(log),
        }
        async with fresh_daemon(daemon_environ(slack, flyte, directory, **settings, **variables)) as pack:
            await pack.wait_for_event("hearing")
            await pack.wait_for_event("default_channel_joined")
            for number in range(_MESSAGES):
                slack.say(alice, channel, f"echo m{number:05d}")
                await flyte.wait_for(lambda number=number: len(flyte.results) > number, 10)  # type: ignore[misc] # mypy has no type for a lambda with a default
            assert await pack.stop() == 0
    return log.read_text(encoding="utf-8").splitlines()


def _violations(trace: list[str], number: int) -> list[str]:
    """Returns the violations of the order that is promised for a message and its echo."""
    message, echo = f"echo m{number:05d}", f">>> m{number:05d}"
    envelope = trace[trace.index(f"got {message}") - 1].removeprefix("got ")
    stored = [f"written {message}", "synced"]
    orders = {
        "the message was acknowledged before it was on disk": [*stored, f"acknowledged {envelope}"],
        "the message was sent to Flyte before it was on disk": [*stored, f"sent {message}"],
        "the action was executed before it was on disk": [f"written {echo}", "synced", f"sent {echo}"],
        "the result was reported before the outcome was on disk": [
            *(f"sent {echo}", f"written {echo}"),
            *("synced", f"sent {echo}"),
        ],
    }
    return [f"m{number:05d}: {problem}" for problem, order in orders.items() if not _is_ordered(trace, order)]


def _is_ordered(trace: list[str], order: list[str]) -> bool:
    """Whether these entries occur in this order, and the last one not before the others."""
    *before, last = order
    position = -1
    for entry in before:
        if entry not in trace[position + 1 :]:
            return False
        position = trace.index(entry, position + 1)
    return trace[:position].count(last) == before.count(last) and last in trace[position:]
