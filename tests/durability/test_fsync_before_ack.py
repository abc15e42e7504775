"""The disk has what Slack and Flyte are told of.

A kill proves nothing about that: what a killed process wrote is in the kernel's memory, and outlives the process. So it
is watched what the process asks of the kernel, and in which order.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ

_SOURCE = Path(__file__).with_name("order_log.c")
_MESSAGES = 50


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """What notes the order of writing, syncing and sending, compiled."""
    compiled = tmp_path / "order_log.so"
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", compiled, _SOURCE, "-ldl"], check=True)  # noqa: S603 - ours
    return compiled


async def test_the_disk_has_every_message_every_action_and_every_outcome_before_anybody_is_told(
    library: Path, tmp_path: Path
) -> None:
    notes = await _notes(library, tmp_path)

    assert [problem for number in range(_MESSAGES) for problem in _broken_promises(notes, number)] == []


async def test_the_test_would_see_it_if_the_disk_were_not_asked(library: Path, tmp_path: Path) -> None:
    notes = await _notes(library, tmp_path, FLYTE_SLACK_STORAGE="memory:")

    assert all(len(_broken_promises(notes, number)) == 4 for number in range(_MESSAGES))


async def _notes(library: Path, directory: Path, **variables: str) -> list[str]:
    """What was noted while things were said, each after the echo of the one before, and answered."""
    log = directory / "notes"
    async with SlackServer() as slack, FlyteServer(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as flyte:
        alice, channel = slack.add_user("alice"), slack.add_channel("ops")
        settings = {
            "FLYTE_SLACK_APP_TOKEN": slack.app_token,
            "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel,
            "FLYTE_SLACK_MESSAGE_BURST": "1000",
            "LD_PRELOAD": str(library),
            "ORDER_LOG": str(log),
        }
        async with daemon(daemon_environ(slack, flyte, directory, **settings, **variables)) as pack:
            await pack.wait_for_event("hearing")
            await pack.wait_for_event("default_channel_joined")
            for number in range(_MESSAGES):
                slack.say(alice, channel, f"echo m{number:05d}")
                await flyte.wait_for(lambda number=number: len(flyte.results) > number, 10)  # type: ignore[misc] # mypy has no type for a lambda with a default
            assert await pack.stop() == 0
    return log.read_text(encoding="utf-8").splitlines()


def _broken_promises(notes: list[str], number: int) -> list[str]:
    """Where the notes about one message and its echo are not in the order promised."""
    heard, echo = f"echo m{number:05d}", f">>> m{number:05d}"
    envelope = notes[notes.index(f"got {heard}") - 1].removeprefix("got ")
    is_safe = [f"written {heard}", "synced"]
    orders = {
        "the message was acknowledged before it was on the disk": [*is_safe, f"acknowledged {envelope}"],
        "the message went to Flyte before it was on the disk": [*is_safe, f"sent {heard}"],
        "the action was carried out before it was on the disk": [f"written {echo}", "synced", f"sent {echo}"],
        "the action was answered before its outcome was on the disk": [
            *(f"sent {echo}", f"written {echo}"),
            *("synced", f"sent {echo}"),
        ],
    }
    return [f"m{number:05d}: {problem}" for problem, order in orders.items() if not _are_in_order(notes, order)]


def _are_in_order(notes: list[str], order: list[str]) -> bool:
    """Whether these notes come one after another, and the last of them no sooner than that."""
    *before, last = order
    position = -1
    for note in before:
        if note not in notes[position + 1 :]:
            return False
        position = notes.index(note, position + 1)
    return notes[:position].count(last) == before.count(last) and last in notes[position:]
